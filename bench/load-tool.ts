/**
 * Builds and runs `postern-load`, the generator and stub server in bench/load, and reads its result lines.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Launcher, Running } from './launch.ts';

/**
 * One result line. Times are in ms unless the name says otherwise; fields beyond these are the
 * subcommand's.
 */
export interface LoadResult {
  readonly done: number;
  readonly errors: number;
  readonly first_error: string;
  readonly seconds: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly own_cpu_us_per_unit: number;
  readonly [field: string]: number | string;
}

export interface LoadTool {
  readonly path: string;
  /** The folder with the certificate. */
  readonly folder: string;
  readonly launcher: Launcher;
}

/** Gives the program's path; throws with a sentence when it cannot be built. */
export function buildLoadTool(root: string): string {
  const folder = process.env['CARGO_TARGET_DIR'] ?? join(root, 'bench/load/target');
  const manifest = join(root, 'bench/load/Cargo.toml');
  const words = ['build', '--release', '--locked', '--manifest-path', manifest, '--target-dir', folder];
  const built = spawnSync('cargo', words, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (built.error !== undefined)
    throw new Error('cargo was not found: the load generator needs Rust 1.88 or newer.');
  if (built.status !== 0) throw new Error('the load generator does not build: see above.');
  return join(folder, 'release/postern-load');
}

/** Makes the certificates that all subjects show: P-256 and, by openssl, RSA. */
export function makeCertificates(path: string, folder: string): void {
  const made = spawnSync(path, ['make-cert', '--dir', folder], { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`no certificates: ${made.stderr}`);
}

/** One subcommand of the generator with its options. */
export interface Load {
  readonly command: string;
  readonly words: readonly string[];
  readonly niceness?: number;
}

/** Runs one subcommand to its end. */
export async function runLoad(tool: LoadTool, load: Load): Promise<LoadResult> {
  const { results } = await watchLoads(tool, [load], () => undefined);
  const [result] = results;
  if (result === undefined) throw new Error(`${load.command} gave no result`);
  return result;
}

/**
 * Runs subcommands side by side: all make ready (sessions logged in, tickets fetched), `look` looks, all
 * begin at once; when all have given their results, `look` looks again, and they close what they hold.
 */
export async function watchLoads<Seen>(
  tool: LoadTool,
  loads: readonly Load[],
  look: () => Seen | Promise<Seen>,
): Promise<{ readonly results: readonly LoadResult[]; readonly before: Seen; readonly after: Seen }> {
  const running = loads.map((load) => ({ load, ...startLoad(tool, load) }));
  for (const one of running) asReady(await nextLine(one.lines, one), one.load.command);
  const before = await look();
  for (const { child } of running) child.stdin?.write('go\n');
  const results: LoadResult[] = [];
  for (const one of running) results.push(asResult(await nextLine(one.lines, one), one.load.command));
  // The last connections' ends are still being worked on when the generator has seen them.
  await sleep(settleMs);
  const after = await look();
  await Promise.all(running.map(({ child, ended }) => (child.stdin?.end(), ended)));
  return { results, before, after };
}

export interface RunningLoad extends Running {
  readonly lines: AsyncIterator<string>;
}

/**
 * Starts a subcommand that goes on until its standard input ends. The core is the generator's unless said.
 */
export function startLoad(
  tool: LoadTool,
  { command, words, niceness = 0 }: Load,
  core = generatorCore,
): RunningLoad {
  const running = tool.launcher.start({
    name: command,
    command: tool.path,
    words: [command, ...words],
    core,
    niceness,
  });
  if (running.child.stdout === null) throw new Error('no pipe');
  const lines = createInterface({ input: running.child.stdout })[Symbol.asyncIterator]();
  return { ...running, lines };
}

/** The words that every client subcommand needs. */
export function clientWords(
  tool: LoadTool,
  port: number,
  more: Readonly<Record<string, number | string>>,
): readonly string[] {
  const numbers = Object.entries(more).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return ['--connect', `127.0.0.1:${port}`, '--dir', tool.folder, ...numbers];
}

/** The next line as JSON; throws when the program ended without one. */
export async function nextLine(lines: AsyncIterator<string>, running: Running): Promise<unknown> {
  const { value, done } = await lines.next();
  if (done === true) throw new Error(`the load generator gave no result:\n${running.lastWords()}`);
  return JSON.parse(value);
}

function asReady(line: unknown, command: string): void {
  if ((line as { readonly kind?: unknown } | null)?.kind !== 'ready')
    throw new Error(`${command} did not make ready: ${JSON.stringify(line)}`);
}

export function asResult(line: unknown, command: string): LoadResult {
  const result = line as LoadResult;
  if (
    typeof result !== 'object' ||
    result === null ||
    result['kind'] !== command ||
    !Number.isFinite(result.done)
  ) {
    throw new Error(`not a result of ${command}: ${JSON.stringify(line)}`);
  }
  return result;
}

/** The server under test has core 0 to itself; generator and stub share the other. */
export const serverCore = 0;
export const generatorCore = 1;
const settleMs = 100;
