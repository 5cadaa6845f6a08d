/**
 * What `npm test` runs: the Rust tests, then all of vitest; the last line counts both.
 *
 *   npm test                      everything
 *   npm test -- ARGUMENTS...      vitest alone, with these arguments: -t 'a name', --project unit, a file
 *
 * Tests against real mail servers need Debian packages. They are installed where CI=true or
 * POSTERN_TEST_INSTALL=true, for root on Debian; elsewhere one line says how, and those tests count as
 * skipped.
 * In CI a skipped test is a failure, since nobody would see that it never runs.
 */
import { spawn, spawnSync } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const isCi = process.env.CI === 'true';
const mayInstall = isCi || process.env.POSTERN_TEST_INSTALL === 'true';

/** The programs that tests run, by name or whole path, and the Debian packages they come in. */
const programs = {
  dovecot: 'dovecot-imapd',
  doveadm: 'dovecot-core',
  '/usr/lib/dovecot/pop3': 'dovecot-pop3d',
  '/usr/lib/dovecot/managesieve': 'dovecot-managesieved',
  '/usr/lib/dovecot/submission': 'dovecot-submissiond',
  postfix: 'postfix',
  haproxy: 'haproxy',
  curl: 'curl',
  mbsync: 'isync',
  fetchmail: 'fetchmail',
  'sieve-connect': 'sieve-connect',
  msmtp: 'msmtp',
  swaks: 'swaks libnet-ssleay-perl',
  openssl: 'openssl',
  python3: 'python3',
};
const oldProfiles = ['-p', 'postern-tls', '--features', 'openssl', '--test', 'old_profiles'];
const nothing = { passed: 0, failed: 0, skipped: 0 };
const policyPath = '/usr/sbin/policy-rc.d';

process.exitCode = await main(process.argv.slice(2));

async function main(args) {
  installPackages(missingPackages());
  if (!build()) return closing({ passed: 0, failed: 1, skipped: 0 });
  const rust = args.length > 0 ? { passed: 0, failed: 0, skipped: 0 } : await runCargo();
  const vitest = await runVitest(args);
  const counts = {
    passed: rust.passed + vitest.passed,
    failed: rust.failed + vitest.failed + skippedInCi(vitest),
    skipped: rust.skipped + vitest.skipped,
  };
  return closing(counts);
}

function missingPackages() {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  const pathsOf = (program) =>
    program.startsWith('/') ? [program] : folders.map((folder) => join(folder, program));
  return Object.keys(programs)
    .filter((program) => !pathsOf(program).some(isRunnable))
    .flatMap((program) => programs[program].split(' '));
}

function isRunnable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function installPackages(packages) {
  if (packages.length === 0) return;
  const line = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (!mayInstall || !existsSync('/etc/debian_version') || process.getuid() !== 0) {
    say(`tests that need them are skipped; to run them too: ${line}`);
    return;
  }
  say(`installing ${packages.join(', ')}`);
  withoutServices(() => {
    runToEnd('apt-get', ['update', '-q']);
    runToEnd('apt-get', line.split(' ').slice(1));
  });
}

/**
 * Debian starts what it installs, unless a policy says no: a Dovecot of the system's would only be in the
 * way.
 */
function withoutServices(work) {
  const hadPolicy = existsSync(policyPath);
  if (!hadPolicy) {
    writeFileSync(policyPath, '#!/bin/sh\nexit 101\n');
    chmodSync(policyPath, 0o755);
  }
  try {
    work();
  } finally {
    if (!hadPolicy) rmSync(policyPath, { force: true });
  }
}

function runToEnd(command, args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env });
  if (status !== 0) say(`${command} ${args.join(' ')} failed; going on without`);
}

/** End-to-end tests run what is in dist/: it has to be what is in the sources. The engine is built once. */
function build() {
  const hasEngine = readdirSync(join(root, 'native')).some((name) => name.endsWith('.node'));
  const args = hasEngine ? ['--typescript'] : [];
  return spawnSync(process.execPath, ['build.mjs', ...args], { cwd: root, stdio: 'inherit' }).status === 0;
}

/**
 * The Rust tests, those of the old TLS profiles, and then every interleaving of what threads share: loom
 * replaces that at compile time, so those tests are built apart, in a folder of their own.
 */
async function runCargo() {
  const cargo = ['test', '--manifest-path', 'native/Cargo.toml', '--no-fail-fast', '--quiet'];
  const plain = await countCargo(cargo, process.env);
  const old = hasOpenssl() ? await countCargo([...cargo, ...oldProfiles], process.env) : nothing;
  const crates = ['-p', 'postern-queue', '-p', 'postern-route'];
  const loom = [...cargo, ...crates, '--release', '--test', 'loom', '--target-dir', 'native/target/loom'];
  const models = await countCargo(loom, { ...process.env, RUSTFLAGS: '--cfg loom' });
  return {
    passed: plain.passed + old.passed + models.passed,
    failed: plain.failed + old.failed + models.failed,
    skipped: plain.skipped + old.skipped + models.skipped,
  };
}

/** The old TLS profiles are tested where the engine was built with them: OpenSSL takes minutes to compile. */
function hasOpenssl() {
  const note = join(root, 'dist/native/build.json');
  return existsSync(note) && JSON.parse(readFileSync(note, 'utf8')).openssl === true;
}

/**
 * Adds up cargo's "test result" lines. A crate that does not compile, a test that aborts, or no test at all
 * is one failure more.
 */
async function countCargo(args, env) {
  say(`cargo ${args.join(' ')}`);
  const { status, output } = await runAndRead('cargo', args, env);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [, passed, failed, ignored] of output.matchAll(/(\d+) passed; (\d+) failed; (\d+) ignored/g)) {
    counts.passed += Number(passed);
    counts.failed += Number(failed);
    counts.skipped += Number(ignored);
  }
  if (counts.failed === 0 && (status !== 0 || counts.passed === 0)) counts.failed = 1;
  return counts;
}

async function runVitest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'postern-tally-'));
  const path = join(folder, 'counts.json');
  try {
    const vitest = join(root, 'node_modules/vitest/vitest.mjs');
    const reporters = ['--reporter=default', `--reporter=${join(root, 'test/tally.ts')}`];
    const env = { ...process.env, TALLY_PATH: path };
    const { status } = await runAndShow(process.execPath, [vitest, 'run', ...reporters, ...args], env);
    const counts = readCounts(path);
    if (status !== 0 && counts.failed === 0) counts.failed = 1;
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** No counts: vitest ended before it ran a test, and has said why. */
function readCounts(path) {
  if (!existsSync(path)) return { passed: 0, failed: 1, skipped: 0, skippedNames: [] };
  return JSON.parse(readFileSync(path, 'utf8'));
}

function skippedInCi({ skipped, skippedNames }) {
  if (!isCi || skipped === 0) return 0;
  for (const name of skippedNames) say(`skipped, which in CI is a failure: ${name}`);
  return skipped;
}

function runAndShow(command, args, env) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', env });
    child
      .once('close', (status) => resolve({ status: status ?? 1 }))
      .once('error', () => resolve({ status: 1 }));
  });
}

function runAndRead(command, args, env) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'], env });
    let output = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      output += text;
      process.stdout.write(text);
    });
    child.once('close', (status) => resolve({ status: status ?? 1, output }));
    child.once('error', (error) => {
      say(`${command} could not be run: ${error.message}`);
      resolve({ status: 1, output });
    });
  });
}

function say(text) {
  process.stdout.write(`postern: ${text}\n`);
}

/** Prints the closing line; gives the exit code. */
function closing({ passed, failed, skipped }) {
  process.stdout.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}\n`);
  return failed > 0 ? 1 : 0;
}
