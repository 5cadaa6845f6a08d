/**
 * One session as a page sees it (login-session.ts): pulled, one wait at a time. It turns the engine's
 * events into answers to those waits and keeps the consumed offsets; what is said is the front's, where it
 * goes is route.ts's.
 *
 * Nothing here throws. When the session is over, whatever the page awaits or asks for later says so.
 */
import type { Clock } from '#lib/clock';
import type { EndReason } from '#model/end-reason';
import { codeOf } from '#model/end-reason';
import { type SessionId, formatSessionId } from '#model/ids';
import {
  type ClientFacts,
  type Conversation,
  type Stopped,
  type TlsFacts,
  announcedLiteral,
} from '#workers/fronts/front';
import { type HandoffRequest, type Outbox, ops } from './engine-link.ts';

export type HandoffOutcome =
  /** The session is the engine's now. */
  | { readonly is: 'spliced' }
  /** The server's line, clean and short. */
  | { readonly is: 'refused'; readonly line: string }
  /** `isUntouched`: nothing was sent to the server, so another may be tried. */
  | { readonly is: 'failed'; readonly reason: EndReason; readonly isUntouched: boolean }
  | Stopped;

/** What ended a hold: a new routing table, the time, or the session. */
export type HoldOutcome = 'table' | 'time' | 'ended';

export interface SessionDeps {
  readonly outbox: Outbox;
  readonly clock: Clock;
  /** True where the end of a client's line may announce a literal. */
  readonly hasLiterals: boolean;
  /** Called once, when the session is the engine's or over. */
  readonly onGone: (id: SessionId) => void;
}

export class Session implements Conversation {
  readonly id: SessionId;
  readonly #deps: SessionDeps;
  #client: ClientFacts;
  #consumed = 0;
  #pending: Pending | undefined;
  #gone: Stopped | undefined;
  /** What came before anybody asked, in order. At most `heardMax` pieces. */
  readonly #heard: Heard[] = [];
  /** The last line announced a literal that waits to be invited: somebody must say what comes next. */
  #isInviting = false;

  constructor(id: SessionId, client: ClientFacts, deps: SessionDeps) {
    this.id = id;
    this.#client = client;
    this.#deps = deps;
  }

  get client(): ClientFacts {
    return this.#client;
  }

  readLine(): Promise<string | Stopped> {
    if (this.#isInviting) this.#put(ops.expectLine, 0, '');
    this.#isInviting = false;
    return this.#read('line');
  }

  readLiteral(size: number, continuation: string): Promise<string | Stopped> {
    if (this.#isInviting) this.#put(ops.expectLiteral, size, continuation);
    this.#isInviting = false;
    return this.#read('literal');
  }

  reply(text: string): void {
    this.#put(ops.write, this.#consumed, text);
  }

  /** The answer to a login that a server refused. The engine may hold it back. */
  refuse(text: string): void {
    this.#put(ops.refuse, this.#consumed, text);
  }

  startTls(reply: string): Promise<undefined | Stopped> {
    if (this.#gone) return Promise.resolve(this.#gone);
    this.#put(ops.startTls, this.#consumed, reply);
    return new Promise((settle) => (this.#pending = { wants: 'tls', settle }));
  }

  /** Hands the login over; what the client sent behind the last line read goes to the server after it. */
  handoff(request: HandoffRequest): Promise<HandoffOutcome> {
    if (this.#gone) return Promise.resolve(this.#gone);
    this.#deps.outbox.putHandoff(this.id, this.#consumed, request);
    return new Promise((settle) => (this.#pending = { wants: 'handoff', settle }));
  }

  /** Waits, while the preamble timeout stands still, until there is a new routing table or `ms` are over. */
  hold(ms: number): Promise<HoldOutcome> {
    if (this.#gone) return Promise.resolve('ended');
    this.#put(ops.hold, Math.ceil(ms), '');
    const timer = this.#deps.clock.setTimer(ms, () => this.#settleHold('time'));
    return new Promise((settle) => {
      this.#pending = {
        wants: 'hold',
        settle: (outcome) => {
          timer.cancel();
          settle(outcome);
        },
      };
    });
  }

  /** Shows the login's name in the log and to `who`. */
  name(user: string): void {
    if (!this.#gone) this.#deps.outbox.putName(this.id, user);
  }

  /** Ends the session. A session that is over stays as it ended. */
  end(reason: EndReason, lastWords: string): void {
    if (this.#gone) return;
    this.#put(ops.end, codeOf(reason), lastWords);
    this.#leave({ is: 'ended', reason });
  }

  get isGone(): boolean {
    return this.#gone !== undefined;
  }

  /** There is a new routing table. */
  onTable(): void {
    this.#settleHold('table');
  }

  onLine(text: string, offset: number): void {
    this.#hear({ is: 'line', text, offset });
  }

  onLiteral(text: string, offset: number): void {
    this.#hear({ is: 'literal', text, offset });
  }

  /** The client broke a rule of the engine's; it reads no more. */
  onFault(reason: EndReason): void {
    this.#hear({ is: 'fault', reason });
  }

  onTlsReady(tls: TlsFacts): void {
    const pending = this.#pending;
    if (pending?.wants !== 'tls') return;
    // V01: whatever was framed before the handshake came in clear; it is never looked at.
    this.#heard.length = 0;
    this.#isInviting = false;
    this.#consumed = 0;
    this.#client = { ...this.#client, tls };
    this.#pending = undefined;
    pending.settle(undefined);
  }

  /** The handoff ended without a splice. */
  onHandoff(outcome: HandoffOutcome): void {
    const pending = this.#pending;
    if (pending?.wants !== 'handoff') return;
    this.#pending = undefined;
    pending.settle(outcome);
  }

  onSpliced(): void {
    this.onHandoff({ is: 'spliced' });
    // Whoever asks from here on has mistaken the moment: the session belongs to the engine.
    this.#leave({ is: 'ended', reason: 'internal_error' });
  }

  onClosed(reason: EndReason): void {
    this.#leave({ is: 'ended', reason });
  }

  #put(op: (typeof ops)[keyof typeof ops], argument: number, text: string): void {
    if (!this.#gone) this.#deps.outbox.put(op, this.id, argument, text);
  }

  #read(wants: 'line' | 'literal'): Promise<string | Stopped> {
    if (this.#gone) return Promise.resolve(this.#gone);
    const waiting = this.#takeHeard(wants);
    if (waiting !== undefined) return Promise.resolve(waiting);
    return new Promise((settle) => (this.#pending = { wants, settle }));
  }

  /** The first piece of the wanted kind; a literal that nobody wants is dropped, a fault stays for good. */
  #takeHeard(wants: 'line' | 'literal'): string | Stopped | undefined {
    for (let first = this.#heard[0]; first !== undefined; first = this.#heard[0]) {
      if (first.is === 'fault') return first;
      // A line where a literal was due can't come from the engine's framer; the command is cut short by it.
      if (first.is === 'line' && wants === 'literal') return { is: 'fault', reason: 'internal_error' };
      this.#heard.shift();
      this.#consumed = first.offset;
      if (first.is !== wants) continue;
      if (wants === 'line') this.#isInviting = this.#deps.hasLiterals && mayInvite(first.text);
      return first.text;
    }
    return undefined;
  }

  #hear(heard: Heard): void {
    if (this.#gone || this.#heard.at(-1)?.is === 'fault') return;
    const isFull = this.#heard.length === heardMax - 1;
    this.#heard.push(isFull ? { is: 'fault', reason: 'preamble_too_long' } : heard);
    const pending = this.#pending;
    if (pending?.wants !== 'line' && pending?.wants !== 'literal') return;
    const answer = this.#takeHeard(pending.wants);
    if (answer === undefined) return;
    this.#pending = undefined;
    pending.settle(answer);
  }

  #settleHold(outcome: HoldOutcome): void {
    const pending = this.#pending;
    if (pending?.wants !== 'hold') return;
    this.#pending = undefined;
    pending.settle(outcome);
  }

  #leave(gone: Stopped): void {
    if (this.#gone) return;
    this.#gone = gone;
    this.#heard.length = 0;
    const pending = this.#pending;
    this.#pending = undefined;
    if (pending?.wants === 'hold') pending.settle('ended');
    else pending?.settle(gone);
    this.#deps.onGone(this.id);
  }
}

function mayInvite(line: string): boolean {
  return announcedLiteral(line)?.isWaiting === true;
}

type Heard =
  | { readonly is: 'line' | 'literal'; readonly text: string; readonly offset: number }
  | { readonly is: 'fault'; readonly reason: EndReason };

/** What the page waits for: one thing at a time. */
type Pending =
  | { readonly wants: 'line' | 'literal'; readonly settle: (answer: string | Stopped) => void }
  | { readonly wants: 'tls'; readonly settle: (answer: undefined | Stopped) => void }
  | { readonly wants: 'handoff'; readonly settle: (answer: HandoffOutcome) => void }
  | { readonly wants: 'hold'; readonly settle: (answer: HoldOutcome) => void };

/** What the bytes of an `opened` event say: see docs/design/0001-engine-contract.md. */
export function clientFactsOf(id: SessionId, text: string, isGreeted: boolean): ClientFacts {
  const [clientIp = '-', clientPort = '-', localIp = '-', localPort = '-', ...tls] = text.split(' ');
  const sessionId = formatSessionId(id);
  return { clientIp, clientPort, localIp, localPort, tls: tlsFactsOf(tls), sessionId, isGreeted };
}

/** Version, cipher, ALPN and SNI; undefined for a clear connection. */
export function tlsFactsOf(fields: readonly string[]): TlsFacts | undefined {
  const [version = '-', cipher = '-', alpn = '-', sni = '-'] = fields;
  return version === '-' ? undefined : { version, cipher, alpn, sni };
}

/** No client has a reason to send so many commands ahead; the engine bounds their bytes. */
const heardMax = 1024;
