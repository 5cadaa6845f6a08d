/** The commands that the POP3 server knows (RFC 1939, RFC 2449, RFC 5034), and a line as one of them. */

export type Command =
  | { readonly name: (typeof bareNames)[number] }
  | { readonly name: 'USER'; readonly user: string }
  | { readonly name: 'PASS'; readonly password: string }
  /** Without a mechanism: which there are. */
  | { readonly name: 'AUTH'; readonly mechanism: string; readonly initial: string | undefined }
  /** Without a number: all messages. */
  | { readonly name: 'LIST' | 'UIDL'; readonly message: number | undefined }
  | { readonly name: 'RETR' | 'DELE'; readonly message: number }
  | { readonly name: 'TOP'; readonly message: number; readonly lines: number };

export type Parsed =
  | { readonly is: 'command'; readonly command: Command }
  | { readonly is: 'bad'; readonly why: string };

const bareNames = ['CAPA', 'STAT', 'NOOP', 'RSET', 'QUIT'] as const;

/** Never throws; `line` is without its end, a character a byte. */
export function parseCommand(line: string): Parsed {
  const [, word, rest] = /^([A-Za-z]{3,4})(?: (.*))?$/.exec(line) ?? [];
  if (word === undefined) return { is: 'bad', why: 'that is no command' };
  const name = word.toUpperCase();
  const command = commandOf(name, rest);
  return typeof command === 'string' ? { is: 'bad', why: command } : { is: 'command', command };
}

/** What is wrong, in words, where it is no command. */
function commandOf(name: string, rest: string | undefined): Command | string {
  const bare = bareNames.find((each) => each === name);
  if (bare !== undefined) return rest === undefined ? { name: bare } : `${name} takes no argument`;
  switch (name) {
    case 'USER':
      return rest === undefined || rest === '' ? 'USER takes a name' : { name, user: rest };
    case 'PASS':
      // RFC 1939 section 7: a password may hold spaces.
      return rest === undefined ? 'PASS takes a password' : { name, password: rest };
    case 'AUTH':
      return auth(rest);
    case 'LIST':
    case 'UIDL':
      if (rest === undefined) return { name, message: undefined };
      return withNumbers(name, rest, 1, ([message = 0]) => ({ name, message }));
    case 'RETR':
    case 'DELE':
      return withNumbers(name, rest, 1, ([message = 0]) => ({ name, message }));
    case 'TOP':
      return withNumbers(name, rest, 2, ([message = 0, lines = 0]) => ({ name, message, lines }));
    default:
      return 'that is no command';
  }
}

function auth(rest: string | undefined): Command | string {
  const [, mechanism = '', initial] = /^(?:([A-Za-z0-9_-]{1,20})(?: (\S+))?)?$/.exec(rest ?? '') ?? [];
  if (mechanism === '' && rest !== undefined) return 'AUTH takes a mechanism and a response';
  return { name: 'AUTH', mechanism: mechanism.toUpperCase(), initial };
}

function withNumbers(
  name: string,
  rest: string | undefined,
  count: number,
  build: (numbers: readonly number[]) => Command,
): Command | string {
  const words = rest?.split(' ') ?? [];
  const isSound = words.length === count && words.every((word) => /^\d{1,9}$/.test(word));
  if (isSound) return build(words.map(Number));
  return `${name} takes ${count === 1 ? 'the number of a message' : 'a message and a number of lines'}`;
}
