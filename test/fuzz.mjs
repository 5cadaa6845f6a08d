/**
 * Runs every fuzz target of native/fuzz for a while, from its committed corpus.
 *
 *   node test/fuzz.mjs               10 seconds each, as in CI
 *   node test/fuzz.mjs framer        this target alone
 *   FUZZ_SECONDS=600 node test/fuzz.mjs
 *
 * Needs cargo-fuzz (cargo install cargo-fuzz), a nightly toolchain and a C++ compiler. Without cargo-fuzz it
 * says so and is content, since cargo test replays the corpora anyway. What it finds lies in
 * native/fuzz/artifacts: minimize it (cargo fuzz tmin), mend the fault, and commit the file to the target's
 * corpus. New inputs that only reach more code go to a folder of the system's that is removed: the corpora
 * stay small.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const native = join(dirname(dirname(fileURLToPath(import.meta.url))), 'native');
const targets = readdirSync(join(native, 'fuzz/fuzz_targets')).map((file) => basename(file, '.rs'));

/** A day: whoever wants more runs it again. */
const secondsMax = 86_400;
/** A long run prints much; a find stands at the end. */
const outputKeptMax = 1_000_000;
const outputShownMax = 20_000;

process.exitCode = await main(process.argv.slice(2));

async function main(names) {
  const unknown = names.filter((name) => !targets.includes(name));
  if (unknown.length > 0)
    return refuse(`no fuzz target ${unknown.join(', ')}; there are ${targets.join(', ')}`);
  const seconds = Number(process.env.FUZZ_SECONDS ?? 10);
  if (!(seconds > 0 && seconds <= secondsMax)) return refuse(`FUZZ_SECONDS must be 1 to ${secondsMax}`);
  if (!succeeds(['fuzz', '--version']) || !succeeds(['+nightly', 'fuzz', '--version'])) {
    say('cargo-fuzz or a nightly toolchain is not installed: the fuzz targets are not run');
    return 0;
  }
  if (!succeeds(['+nightly', 'fuzz', 'build'], 'inherit'))
    return refuse('the fuzz targets could not be built');
  let finds = 0;
  for (const target of names.length > 0 ? names : targets) if (!(await fuzz(target, seconds))) finds += 1;
  return finds > 0 ? 1 : 0;
}

/** True: nothing was found. */
async function fuzz(target, seconds) {
  const fresh = mkdtempSync(join(tmpdir(), `postern-fuzz-${target}-`));
  try {
    const limits = [`-max_total_time=${seconds}`, '-timeout=10'];
    const folders = [fresh, join('fuzz/corpus', target)];
    const { status, output } = await run(['+nightly', 'fuzz', 'run', target, ...folders, '--', ...limits]);
    const [, count, took] = /Done (\d+) runs in (\d+) second/.exec(output) ?? [];
    if (status === 0 && count !== undefined) {
      say(`${target}: ${Number(count).toLocaleString('en')} inputs in ${took} s, no find`);
      return true;
    }
    process.stderr.write(output.slice(-outputShownMax));
    say(`${target}: FOUND something, see above`);
    return false;
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function run(args) {
  return new Promise((resolve) => {
    const child = spawn('cargo', args, { cwd: native, stdio: ['ignore', 'ignore', 'pipe'] });
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text) => {
      output = (output + text).slice(-outputKeptMax);
    });
    child.once('close', (status) => resolve({ status: status ?? 1, output }));
    child.once('error', ({ message }) => resolve({ status: 1, output: message }));
  });
}

function succeeds(args, stdio = 'ignore') {
  // A toolchain that is not there is not fetched for this.
  const env = { ...process.env, RUSTUP_AUTO_INSTALL: '0' };
  return spawnSync('cargo', args, { cwd: native, stdio, env }).status === 0;
}

function refuse(text) {
  say(text);
  return 1;
}

function say(text) {
  process.stdout.write(`postern: ${text}\n`);
}
