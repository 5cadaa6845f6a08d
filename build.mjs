/**
 * Builds Postern: the native engine into native/, the TypeScript into dist/.
 *
 *   node build.mjs                 both; what `npm run build` does. Also brings native/index.d.ts up to date
 *   node build.mjs --if-possible   both, unless the build tools were left out on purpose (npm install
 *   --omit=dev)
 *   node build.mjs --typescript    only the TypeScript: a second or two
 *
 * POSTERN_BUILD_OPENSSL=true adds the TLS profiles `compatible` and `legacy`: OpenSSL is compiled too, which
 * takes some minutes more, and needs perl and make. Off by default.
 *
 * POSTERN_BUILD_PROFILE names the cargo profile: `dist` (the default: smallest and fastest) or `release`
 * (builds in half the time). Whether anything needs compiling is for cargo to find out.
 *
 * native/index.d.ts is committed, and only a plain build changes it: what every build makes is
 * dist/native/index.d.ts, and test/tidy.test.ts compares the two.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(fileURLToPath(import.meta.url));
const needed = { node: '20.19', rust: '1.88' };
const profiles = ['dist', 'release', 'dev'];

const manifest = join(root, 'native/crates/binding/Cargo.toml');
const napi = join(root, 'node_modules/@napi-rs/cli/dist/cli.js');
const tsc = join(root, 'node_modules/typescript/bin/tsc');
const buildNote = join(root, 'dist/native/build.json');
const types = { built: join(root, 'dist/native/index.d.ts'), committed: join(root, 'native/index.d.ts') };

main(new Set(process.argv.slice(2)));

function main(options) {
  const tools = missingTools();
  if (options.has('--if-possible') && tools.length > 0) {
    say(`nothing is built: ${tools.join(' and ')} left out by npm`);
    return;
  }
  if (options.has('--if-possible') && isFirstNpx()) return;
  const wanted = options.has('--typescript') ? nodeProblems() : [...nodeProblems(), ...nativeProblems()];
  const problems = [
    ...wanted,
    ...tools.map((tool) => `${tool} is missing: run "npm install" without --omit=dev.`),
  ];
  if (problems.length > 0) stop(problems);

  if (!options.has('--typescript')) {
    buildNative();
    if (!options.has('--if-possible')) copyFileSync(types.built, types.committed);
  }
  buildTypeScript();
}

/**
 * The first `npx postern` links this package into npx's own folder, and runs `prepare` for that: all is built
 * already, and a gateway may be running on it.
 */
function isFirstNpx() {
  return process.env.npm_command === 'exec' && existsSync(join(root, 'dist/gateway/cli/postern.js'));
}

function missingTools() {
  const files = { '@napi-rs/cli': dirname(dirname(napi)), typescript: dirname(dirname(tsc)) };
  return Object.keys(files).filter((name) => !existsSync(files[name]));
}

function nodeProblems() {
  if (isAtLeast(process.versions.node, needed.node)) return [];
  return [`Node ${needed.node} or newer is needed; this is ${process.versions.node}.`];
}

/** One sentence for each tool that the engine's build lacks. */
function nativeProblems() {
  const problems = [];
  const rust = `install Rust ${needed.rust} or newer (https://rustup.rs)`;
  for (const tool of ['cargo', 'rustc']) {
    const version = versionOf(tool);
    if (version === undefined) problems.push(`${tool} was not found: ${rust}, it compiles the engine.`);
    else if (!isAtLeast(version, needed.rust)) problems.push(`${tool} ${version} is too old: ${rust}.`);
  }
  const compiler = process.env.CC ?? 'cc';
  if (!runs(compiler, ['--version'])) {
    problems.push(
      `The C compiler ${compiler} was not found: install one (Debian: apt-get install gcc libc6-dev).`,
    );
  }
  const { profile, openssl } = nativeBuild();
  if (!profiles.includes(profile)) {
    problems.push(`POSTERN_BUILD_PROFILE is "${profile}": give one of ${profiles.join(', ')}.`);
  }
  if (!['true', 'false'].includes(openssl)) {
    problems.push(`POSTERN_BUILD_OPENSSL is "${openssl}": give true or false.`);
  }
  for (const tool of openssl === 'true' ? ['perl', 'make'] : []) {
    if (!runs(tool, ['--version'])) {
      problems.push(
        `${tool} was not found: install it (Debian: apt-get install perl make), OpenSSL needs it.`,
      );
    }
  }
  return problems;
}

function nativeBuild() {
  const { POSTERN_BUILD_PROFILE, POSTERN_BUILD_OPENSSL } = process.env;
  return { profile: POSTERN_BUILD_PROFILE || 'dist', openssl: POSTERN_BUILD_OPENSSL || 'false' };
}

function buildNative() {
  const { profile, openssl } = nativeBuild();
  mkdirSync(dirname(types.built), { recursive: true });
  rmSync(types.built, { force: true });
  const dts = relative(join(root, 'native'), types.built);
  const where = ['--manifest-path', manifest, '--output-dir', join(root, 'native'), '--dts', dts];
  const startedAt = Date.now();
  const features = openssl === 'true' ? ['--features', 'openssl'] : [];
  run(napi, ['build', '--platform', '--esm', '--profile', profile, ...features, ...where]);
  checkNative();
  // For `postern check`, which does not load the engine.
  writeFileSync(buildNote, `${JSON.stringify({ openssl: openssl === 'true' })}\n`);
  say(
    `engine built (profile ${profile}${openssl === 'true' ? ', with OpenSSL' : ''}) in ${seconds(startedAt)}`,
  );
}

/** The napi command ends with 0 even where it wrote no types and no loader, so its work is looked at. */
function checkNative() {
  const native = join(root, 'native');
  const wanted = [types.built, join(native, 'index.js')];
  const empty = wanted.filter((path) => !existsSync(path) || statSync(path).size === 0);
  if (!readdirSync(native).some((name) => name.endsWith('.node'))) empty.push(join(native, '*.node'));
  if (empty.length > 0)
    stop([`The engine's build left out ${empty.join(', ')}: remove native/target and build again.`]);
}

function buildTypeScript() {
  const startedAt = Date.now();
  // What was compiled from a file that is gone must not be found by an import.
  for (const folder of ['gateway', 'workers'])
    rmSync(join(root, 'dist', folder), { recursive: true, force: true });
  run(tsc, ['-p', join(root, 'tsconfig.build.json')]);
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const path of Object.values(bin)) {
    if (!existsSync(join(root, path)))
      stop([`The build left out ${path}, which package.json names as a command.`]);
    chmodSync(join(root, path), 0o755);
  }
  say(`TypeScript built in ${seconds(startedAt)}`);
}

/** Runs a script of Node; the build ends with it where it fails, since it has said why. */
function run(script, args) {
  // A relative target folder would be another one in each crate, and the types' macro would not find its own.
  const target = process.env.CARGO_TARGET_DIR;
  const env = target ? { ...process.env, CARGO_TARGET_DIR: resolve(root, target) } : process.env;
  const { status, error } = spawnSync(process.execPath, [script, ...args], {
    cwd: root,
    stdio: 'inherit',
    env,
  });
  if (error) stop([`${script} could not be run: ${error.message}.`]);
  if (status !== 0) process.exit(status ?? 1);
}

function versionOf(tool) {
  const { status, stdout } = spawnSync(tool, ['--version'], { encoding: 'utf8', cwd: root });
  return status === 0 ? /\d+\.\d+(\.\d+)?/.exec(stdout)?.[0] : undefined;
}

function runs(tool, args) {
  return spawnSync(tool, args, { stdio: 'ignore' }).status === 0;
}

function isAtLeast(version, wanted) {
  const [major, minor] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

function say(text) {
  process.stdout.write(`postern: ${text}\n`);
}

function stop(problems) {
  for (const problem of problems) process.stderr.write(`postern: ${problem}\n`);
  process.exit(1);
}
