/** Reads the command line of the bench. Pure; what the options do is in the bench that they name. */

export type SubjectName = 'direct' | 'haproxy' | 'postern';

/** What the comparison was asked to do. */
export interface ImapOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly idleSessions: number;
  readonly subjects: readonly SubjectName[];
}

export type Command =
  | { readonly is: 'imap'; readonly options: ImapOptions }
  | { readonly is: 'help' }
  | { readonly is: 'wrong'; readonly problem: string };

export const usage = `usage: npm run bench -- imap [options]

  imap            IMAP over TLS: Postern beside HAProxy (TCP, TLS) and beside no gateway at all

  --rounds N      interleaved rounds, 1 to 50 (5)
  --seconds S     length of each run, 1 to 60 (3)
  --idle N        sessions held for the memory figure, 100 to 9000 (4000)
  --subjects A,B  of direct, haproxy, postern (all)
  --quick         2 rounds of 1 second, 400 idle sessions: whether it works, not a figure to quote
  --help          this text

BENCH_HAPROXY names another haproxy than the one in PATH. Results also go to bench/results/ as JSON.
`;

const subjectNames: readonly SubjectName[] = ['direct', 'haproxy', 'postern'];
const usual: ImapOptions = { rounds: 5, seconds: 3, idleSessions: 4000, subjects: subjectNames };
const quick: ImapOptions = { ...usual, rounds: 2, seconds: 1, idleSessions: 400 };

export function parseCommand(words: readonly string[]): Command {
  if (words.includes('--help') || words.includes('-h')) return { is: 'help' };
  const [name, ...rest] = words;
  if (name !== 'imap') return wrong(name === undefined ? 'which bench?' : `there is no bench ${name}`);

  let options = rest.includes('--quick') ? quick : usual;
  const values = rest.filter((word) => word !== '--quick');
  for (let at = 0; at < values.length; at += 2) {
    const [option, value] = [values[at] ?? '', values[at + 1]];
    if (!Object.hasOwn(readers, option)) return wrong(`there is no option ${option}`);
    const read = value === undefined ? undefined : readers[option]?.(value);
    if (read === undefined) return wrong(`${option} cannot be ${value ?? 'without a value'}`);
    options = { ...options, ...read };
  }
  return { is: 'imap', options };
}

const readers: Readonly<Record<string, (value: string) => Partial<ImapOptions> | undefined>> = {
  '--rounds': (value) => whole(value, 1, 50, (rounds) => ({ rounds })),
  '--seconds': (value) => whole(value, 1, 60, (seconds) => ({ seconds })),
  '--idle': (value) => whole(value, 100, 9_000, (idleSessions) => ({ idleSessions })),
  '--subjects': (value) => {
    const asked = value.split(',');
    const subjects = subjectNames.filter((name) => asked.includes(name));
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

function wrong(problem: string): Command {
  return { is: 'wrong', problem };
}
