/**
 * The exchange of a SASL mechanism with a client (RFC 4422): its responses one after the other, in base64.
 * How a protocol writes a challenge and reads a response is its own; what the responses say is sasl.ts's.
 */
import type { Stopped } from './front.ts';
import { type Mechanism, decodeBase64, loginOf, mechanismOf, promptsOf, proofOf } from './sasl.ts';
import { type Talk, type TalkOver, type TalkStep, mistake, over, refuseName } from './talk.ts';

/** What a client said to begin with. */
export interface SaslAttempt {
  /** What the answer must carry, as in `Login`. */
  readonly tag: string;
  /** As the client wrote it. */
  readonly mechanism: string;
  /** In base64, or `=` for an empty one (RFC 4959, 4954, 5034); undefined where there was none. */
  readonly initialResponse: string | undefined;
}

/** Says a challenge, which is in base64, and reads the response to it, which should be; `*` cancels. */
export type Ask = (challenge: string) => Promise<string | Unanswered>;

/** There is no response to read. */
export type Unanswered = Stopped | TalkOver | { readonly is: 'notBase64' };

/** A protocol's words for what can go wrong, each a whole line. */
export interface SaslReplies {
  readonly unsupportedMechanism: string;
  readonly cancelled: string;
  readonly badBase64: string;
  readonly authenticationFailed: string;
}

/** The login of a client that is inside TLS, or what its attempt comes to. */
export async function authenticate(
  talk: Talk,
  attempt: SaslAttempt,
  { ask, replies }: { readonly ask: Ask; readonly replies: SaslReplies },
): Promise<TalkStep> {
  const mechanism = mechanismOf(attempt.mechanism);
  if (mechanism === undefined) return mistake(talk, replies.unsupportedMechanism);
  const exchanged = await exchange(mechanism, attempt.initialResponse, ask);
  switch (exchanged.is) {
    case 'cancelled':
      return mistake(talk, replies.cancelled);
    case 'notBase64':
      return mistake(talk, replies.badBase64);
    case 'fault':
    case 'ended':
      return over(talk, exchanged.reason);
    case 'over':
      return exchanged;
    case 'responses': {
      const proof = proofOf(mechanism, exchanged.responses);
      const login = proof && loginOf(attempt.tag, proof);
      return login === undefined ? refuseName(talk, replies.authenticationFailed) : { is: 'login', login };
    }
  }
}

/** `notBase64`: a response that can't be decoded (V31). */
export type Exchanged =
  | { readonly is: 'responses'; readonly responses: readonly string[] }
  | { readonly is: 'cancelled' }
  | Unanswered;

/** The decoded responses, one for each prompt. `initial`: what came with the command, if anything did. */
export async function exchange(
  mechanism: Mechanism,
  initial: string | undefined,
  ask: Ask,
): Promise<Exchanged> {
  const responses: string[] = [];
  for (const prompt of promptsOf(mechanism)) {
    const given = responses.length === 0 ? initial : undefined;
    const text = given ?? (await ask(prompt));
    if (typeof text !== 'string') return text;
    if (text === '*') return { is: 'cancelled' };
    // "=" stands for an empty initial response. A later one may just be empty.
    const response = given === '=' ? '' : decodeBase64(text);
    if (response === undefined) return { is: 'notBase64' };
    responses.push(response);
  }
  return { is: 'responses', responses };
}
