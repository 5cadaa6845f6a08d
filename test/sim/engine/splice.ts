/** Two connections joined: bytes go both ways until a side closes, time is up, or it is told to go. */
import type { Timer } from '#lib/clock';
import type { EndReason } from '#model/end-reason';
import type { Wire } from '../world/network.ts';
import { createBoundary } from './boundary.ts';
import type { EngineWorld } from './parts.ts';
import type { Farewell, SessionView } from './session-view.ts';

export interface SpliceParts {
  readonly session: SessionView;
  readonly world: EngineWorld;
  readonly client: Wire;
  readonly server: Wire;
  /** For the client first: what the handoff kept. */
  readonly words: string;
  /** For the server first: what the client sent behind its login. */
  readonly pending: string;
  readonly onEnd: (reason: EndReason, words: string) => void;
}

export class Splice {
  readonly #parts: SpliceParts;
  readonly #fromServer = createBoundary();
  readonly #fromClient = createBoundary();
  #firstClose: EndReason | undefined;
  #idle: Timer | undefined;
  #told: { readonly farewell: Farewell; readonly untilMs: number } | undefined;
  #telling: Timer | undefined;

  constructor(parts: SpliceParts) {
    const { server, onEnd } = parts;
    this.#parts = parts;
    server.listener = {
      onBytes: (text) => this.#toClient(text),
      onHello: () => {},
      onClose: () => onEnd(this.#firstClose ?? 'server_closed', ''),
      onReset: () => onEnd('server_reset', ''),
    };
    this.#toClient(parts.words);
    this.fromClient(parts.pending);
    this.#watchIdle();
  }

  fromClient(text: string): void {
    if (text === '') return;
    const { session, server } = this.#parts;
    this.#fromClient.saw(text);
    session.bytesIn += text.length;
    server.send(text);
    session.activeMs = this.#now;
  }

  clientClosed(): void {
    if (this.#firstClose !== undefined) return;
    this.#firstClose = 'client_closed';
    this.#parts.server.close();
    this.#watchIdle();
  }

  goodbye(farewell: Farewell): void {
    if (farewell.sparesBusy && !this.#isSafe()) return;
    this.#told ??= { farewell, untilMs: this.#now + farewell.forMs };
    this.#tryToTell();
  }

  /** The session is over: the server's side is closed. */
  close(): void {
    this.#idle?.cancel();
    this.#telling?.cancel();
    this.#parts.server.listener = undefined;
    this.#parts.server.close();
  }

  #toClient(text: string): void {
    if (text === '') return;
    const { session, client } = this.#parts;
    this.#fromServer.saw(text);
    session.bytesOut += text.length;
    client.send(text);
    session.activeMs = this.#now;
  }

  #isSafe(): boolean {
    const { session, world } = this.#parts;
    if (!world.rules.waitsForBoundary) return true;
    const isQuiet = this.#now - session.activeMs >= quietMs;
    return isQuiet && this.#fromServer.isSafe() && this.#fromClient.isSafe();
  }

  /** The words at the next safe moment, or a plain close when the time for them is over. */
  #tryToTell(): void {
    this.#telling?.cancel();
    if (this.#told === undefined) return;
    const { farewell, untilMs } = this.#told;
    if (this.#isSafe()) return this.#parts.onEnd(farewell.reason, farewell.words);
    const { scheduler, rules } = this.#parts.world;
    if (this.#now >= untilMs && rules.keepsWindows) return this.#parts.onEnd(farewell.reason, '');
    const waitMs = rules.keepsWindows ? Math.min(quietMs, untilMs - this.#now) : quietMs;
    this.#telling = scheduler.after(waitMs, () => this.#tryToTell());
  }

  #watchIdle(): void {
    const { session, world, onEnd } = this.#parts;
    const allowedMs = this.#firstClose === undefined ? session.frontend.idleTimeoutMs : halfClosedMs;
    this.#idle?.cancel();
    this.#idle = world.scheduler.after(session.activeMs + allowedMs - this.#now, () => {
      if (this.#now < session.activeMs + allowedMs) return this.#watchIdle();
      onEnd(this.#firstClose ?? 'idle_timeout', this.#isSafe() ? '* BYE Idle for too long\r\n' : '');
    });
  }

  get #now(): number {
    return this.#parts.world.scheduler.now();
  }
}

/** As native/crates/engine/src/splice.rs. */
const quietMs = 250;
const halfClosedMs = 60_000;
