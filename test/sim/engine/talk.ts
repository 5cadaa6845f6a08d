/**
 * A connection to a server in the middle of its script, for a session's handoff and for a probe: dial, TLS,
 * and the script played line by line, each wait with its own deadline (native/crates/engine/src/handoff.rs).
 */
import type { Timer } from '#lib/clock';
import { codeOf } from '#model/end-reason';
import type { EndReason } from '#model/end-reason';
import type { EngineEndpoint } from '#native';
import { ScriptPlay, readScript } from '../../trace/script-reader.ts';
import type { Scheduler } from '../scheduler.ts';
import type { MailServer } from '../world/mail-server.ts';
import type { Link, Network, Wire } from '../world/network.ts';

export type TalkOutcome =
  | { readonly is: 'open'; readonly wire: Wire; readonly words: string }
  | { readonly is: 'refused'; readonly line: string }
  | {
      readonly is: 'failed';
      readonly reason: EndReason;
      readonly detail: string;
      /** No login was sent. */
      readonly isUntouched: boolean;
    };

/** The server at an address, and the way there. */
export type Reach = (address: string) => { readonly server: MailServer; readonly link: Link } | undefined;

export interface TalkParts {
  readonly endpoint: Pick<EngineEndpoint, 'address' | 'tls'>;
  readonly script: Uint8Array;
  readonly connectTimeoutMs: number;
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly reach: Reach;
  readonly onOutcome: (outcome: TalkOutcome) => void;
}

export class Talk {
  readonly #parts: TalkParts;
  readonly #play: ScriptPlay;
  #timer: Timer | undefined;
  #wire: Wire | undefined;
  #isOver = false;
  #hasGreeted = false;
  #received = '';

  constructor(parts: TalkParts) {
    this.#parts = parts;
    this.#play = new ScriptPlay(readScript(parts.script), { holds: true });
    this.#dial();
  }

  /** The lines that the script has kept. */
  kept(): string[] {
    return this.#play.kept();
  }

  /** Gives it up; nothing is told any more. */
  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    if (this.#wire !== undefined) drop(this.#wire);
  }

  #settle(outcome: TalkOutcome): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    if (outcome.is !== 'open' && this.#wire !== undefined) drop(this.#wire);
    this.#parts.onOutcome(outcome);
  }

  #fail(reason: EndReason, detail: string): void {
    this.#settle({ is: 'failed', reason, detail, isUntouched: !this.#hasGreeted });
  }

  #within(delayMs: number, reason: EndReason): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.scheduler.after(delayMs, () => {
      this.#fail(reason, `nothing within ${delayMs} ms`);
    });
  }

  #dial(): void {
    const { endpoint, network, connectTimeoutMs, reach } = this.#parts;
    const found = reach(endpoint.address);
    this.#within(connectTimeoutMs, 'connect_timeout');
    if (found === undefined) return this.#fail('connect_failed', 'no such host');
    const { near, far } = network.open(found.link);
    network.deliver(found.link, () => {
      if (this.#isOver || found.server.isHostDown) return;
      const isTaken = found.server.connect(far);
      network.deliver(found.link, () => {
        if (this.#isOver) return isTaken && near.reset();
        if (!isTaken) return this.#fail('connect_refused', `${endpoint.address} refuses`);
        this.#connected(near);
      });
    });
  }

  #connected(near: Wire): void {
    const { endpoint, connectTimeoutMs } = this.#parts;
    this.#wire = near;
    near.listener = {
      onBytes: (text) => this.#hear(text),
      onHello: () => this.#begin(),
      onClose: () => this.#fail('server_left', 'the server closed the connection'),
      onReset: () => this.#fail('server_reset', 'the server broke off'),
    };
    if (endpoint.tls === 'off') return this.#begin();
    this.#within(connectTimeoutMs, 'server_tls_failed');
    near.hello();
  }

  #begin(): void {
    this.#play.begin();
    this.#go();
  }

  /** Sends what the script has to say, and waits by its next step. */
  #go(): void {
    const { outcome } = this.#play;
    const said = this.#play.takeSent();
    if (said !== '') this.#wire?.send(said);
    if (outcome === 'done' && this.#wire !== undefined)
      return this.#settle({ is: 'open', wire: this.#wire, words: this.#play.lastWords() + this.#received });
    if (outcome === 'failed') return this.#fail('server_unexpected', 'an answer that does not fit');
    if (typeof outcome === 'object') return this.#settle({ is: 'refused', line: outcome.refusedWith });
    this.#within(this.#play.timeoutMs, this.#hasGreeted ? 'login_timeout' : 'greeting_timeout');
  }

  #hear(text: string): void {
    this.#received += text;
    while (!this.#isOver) {
      const end = this.#received.indexOf('\r\n');
      if (end < 0) return;
      const line = this.#received.slice(0, end);
      this.#received = this.#received.slice(end + 2);
      const step = this.#play.at;
      this.#play.serverSays(line);
      if (this.#play.at === step && this.#play.outcome === 'playing') continue;
      if (this.#play.outcome !== 'failed') this.#hasGreeted = true;
      this.#go();
    }
  }
}

function drop(wire: Wire): void {
  wire.listener = undefined;
  wire.close();
}

/** As a probe tells it. */
export function reasonCodeOf(outcome: TalkOutcome): number {
  if (outcome.is === 'open') return 0;
  return codeOf(outcome.is === 'refused' ? 'server_unexpected' : outcome.reason);
}
