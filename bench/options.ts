/** Reads the command line of the bench. Pure; what can be asked for is an argument. */
import type { Lengths } from './scenario.ts';

/** What the comparison was asked to do. */
export interface Options extends Lengths {
  readonly rounds: number;
  /** Names of scenarios and of subjects, in their own order. */
  readonly scenarios: readonly string[];
  readonly subjects: readonly string[];
}

/** What a command line may name. */
export interface Choice {
  readonly scenarios: readonly string[];
  readonly subjects: readonly string[];
  /** A name that stands for several scenarios. */
  readonly sets: Readonly<Record<string, readonly string[]>>;
}

export type Command =
  | { readonly is: 'run'; readonly options: Options }
  | { readonly is: 'list' }
  /** Makes the page of an earlier comparison again. */
  | { readonly is: 'report'; readonly path: string }
  | { readonly is: 'help' }
  | { readonly is: 'wrong'; readonly problem: string };

export const usage = `usage: npm run bench [-- NAME... options]

Postern beside its rivals and beside no gateway at all. A NAME is a scenario (--list), or imap for the four
that matter most: login session, handshake, added latency, idle memory. Without a NAME all are run, which
takes half an hour.

  --rounds N      interleaved rounds, 1 to 50 (5)
  --seconds S     length of each run, 1 to 60 (2)
  --idle N        sessions held for the memory figures, 100 to 9000 (4000)
  --held N        sessions held during the flood of handshakes, 10 to 4000 (1000)
  --subjects A,B  only these (all that are installed; --list)
  --quick         2 rounds of 1 second, 400 idle sessions: whether it works, not a figure to quote
  --list          the scenarios and the subjects
  --help          this text

Results also go to bench/results/ as JSON and as a page for the browser. A page is made again from the
JSON of any comparison:

  npm run bench -- report FILE.json

BENCH_HAPROXY=/path and BENCH_ENVOY=/path name a second HAProxy and an Envoy to measure beside the others.
`;

const usual = { rounds: 5, seconds: 2, idleSessions: 4000, heldSessions: 1000 };
const quick = { rounds: 2, seconds: 1, idleSessions: 400, heldSessions: 200 };

export function parseCommand(words: readonly string[], choice: Choice): Command {
  if (words.includes('--help') || words.includes('-h')) return { is: 'help' };
  if (words.includes('--list')) return { is: 'list' };
  const unknown = words.find((word) => word.startsWith('-') && !isOption(word));
  if (unknown !== undefined) return wrong(`there is no option ${unknown}`);
  if (words[0] === 'report') {
    const [, path, ...more] = words;
    if (path === undefined || more.length > 0) return wrong('report wants the path of one results file');
    return { is: 'report', path };
  }
  const names = words.filter((word, at) => !word.startsWith('-') && !isValue(words, at));
  const scenarios = chosenScenarios(names, choice);
  if (typeof scenarios === 'string') return wrong(scenarios);

  let options: Options = { ...(words.includes('--quick') ? quick : usual), ...choice, scenarios };
  for (const [at, option] of words.entries()) {
    if (!Object.hasOwn(readers, option)) continue;
    const value = words[at + 1];
    const read = value === undefined ? undefined : readers[option]?.(value, choice);
    if (read === undefined) return wrong(`${option} cannot be ${value ?? 'without a value'}`);
    options = { ...options, ...read };
  }
  return { is: 'run', options: onlyOptions(options) };
}

function isOption(word: string): boolean {
  return word === '--quick' || Object.hasOwn(readers, word);
}

/** Whether the word belongs to the option before it. */
function isValue(words: readonly string[], at: number): boolean {
  return Object.hasOwn(readers, words[at - 1] ?? '');
}

/** In the scenarios' own order; or what is wrong with the names. */
function chosenScenarios(names: readonly string[], choice: Choice): readonly string[] | string {
  if (names.length === 0) return choice.scenarios;
  const asked = new Set<string>();
  for (const name of names) {
    const set = Object.hasOwn(choice.sets, name) ? choice.sets[name] : undefined;
    if (set === undefined && !choice.scenarios.includes(name)) return `there is no scenario ${name}`;
    for (const each of set ?? [name]) asked.add(each);
  }
  return choice.scenarios.filter((name) => asked.has(name));
}

type Reader = (value: string, choice: Choice) => Partial<Options> | undefined;

const readers: Readonly<Record<string, Reader>> = {
  '--rounds': (value) => whole(value, 1, 50, (rounds) => ({ rounds })),
  '--seconds': (value) => whole(value, 1, 60, (seconds) => ({ seconds })),
  '--idle': (value) => whole(value, 100, 9_000, (idleSessions) => ({ idleSessions })),
  '--held': (value) => whole(value, 10, 4_000, (heldSessions) => ({ heldSessions })),
  '--subjects': (value, choice) => {
    const asked = value.split(',');
    const subjects = choice.subjects.filter((name) => asked.includes(name));
    return subjects.length === asked.length ? { subjects } : undefined;
  },
};

function whole<Read>(
  value: string,
  min: number,
  max: number,
  read: (number: number) => Read,
): Read | undefined {
  const number = Number(value);
  return /^\d+$/.test(value) && number >= min && number <= max ? read(number) : undefined;
}

function onlyOptions(options: Options): Options {
  const { rounds, seconds, idleSessions, heldSessions, scenarios, subjects } = options;
  return { rounds, seconds, idleSessions, heldSessions, scenarios, subjects };
}

function wrong(problem: string): Command {
  return { is: 'wrong', problem };
}
