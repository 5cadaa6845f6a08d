/**
 * Reads the literals of a client's command (IMAP, ManageSieve), within bounds. One that will be refused
 * anyway gets no invitation for its literals, and those it sends unasked are dropped.
 */
import { type AnnouncedLiteral, announcedLiteral } from './front.ts';
import { type Talk, type TalkOver, over } from './talk.ts';

/** Which literals a command may have. */
export interface LiteralRules {
  /**
   * How large the next literal may be behind so many bytes of the command; `noLiteral` where it takes none,
   * not even an empty one, as before TLS (V05).
   */
  roomFor(taken: number): number;
  /** What invites a literal that waits; undefined where the protocol has none that wait (RFC 5804). */
  readonly invitation: string | undefined;
}

/** A command as it stands on the wire, without its last line's end. */
export interface WholeCommand {
  readonly is: 'command';
  readonly text: string;
  /** It was left unread for its size. */
  readonly isTooBig: boolean;
}

/** Less room than an empty literal takes. */
export const noLiteral = -1;

/** The command that begins with `line`. A literal of it that is not taken in ends the text. */
export async function readLiterals(
  talk: Talk,
  line: string,
  rules: LiteralRules,
): Promise<WholeCommand | TalkOver> {
  const { conversation } = talk;
  let text = line;
  let literal = announcedLiteral(line);
  while (literal !== undefined) {
    const mayWait = rules.invitation !== undefined;
    const room = literal.isWaiting && !mayWait ? noLiteral : rules.roomFor(text.length);
    if (literal.size > room) {
      const left = await passOver(talk, literal);
      return left ?? { is: 'command', text, isTooBig: room >= 0 };
    }
    const bytes = await conversation.readLiteral(
      literal.size,
      literal.isWaiting ? (rules.invitation ?? '') : '',
    );
    if (typeof bytes !== 'string') return over(talk, bytes.reason);
    const rest = await conversation.readLine();
    if (typeof rest !== 'string') return over(talk, rest.reason);
    text += `\r\n${bytes}${rest}`;
    literal = announcedLiteral(rest);
  }
  return { is: 'command', text, isTooBig: false };
}

/**
 * Drops a refused command's literals. One that the client sends unasked (RFC 7888) has a rest behind it;
 * one that waits to be invited is given up by the client, whose next line is a new command.
 */
async function passOver(talk: Talk, first: AnnouncedLiteral): Promise<TalkOver | undefined> {
  const { conversation } = talk;
  let literal: AnnouncedLiteral | undefined = first;
  for (let passed = 0; literal !== undefined && !literal.isWaiting; passed++) {
    if (passed === literalsPassedMax) return over(talk, 'syntax', talk.words.tooManyErrors);
    const bytes = await conversation.readLiteral(literal.size, '');
    if (typeof bytes !== 'string') return over(talk, bytes.reason);
    const rest = await conversation.readLine();
    if (typeof rest !== 'string') return over(talk, rest.reason);
    literal = announcedLiteral(rest);
  }
  return undefined;
}

/** An ID of 30 pairs has 60 literals. */
const literalsPassedMax = 64;
