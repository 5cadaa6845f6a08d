/** Two connections joined: bytes go both ways until a side closes, time is up, or it is told to go. */
import type { Timer } from '#lib/clock';
import type { EndReason } from '#model/end-reason';
import type { Wire } from '../world/network.ts';
import { createBoundary } from './boundary.ts';
import { type EngineWorld, wordsFor } from './parts.ts';
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
  /** Tags of commands that have no answer yet. */
  readonly #open = new Set<string>();
  #firstClose: EndReason | undefined;
  #idle: Timer | undefined;
  #told: { readonly farewell: Farewell; readonly endsAt: number } | undefined;
  #window: Timer | undefined;

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
    for (const line of this.#fromClient.saw(text)) this.#asked(line);
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
    const endsAt = this.#now + farewell.windowMs;
    // Of two goodbyes the one that ends earlier wins.
    if (this.#told !== undefined && this.#told.endsAt <= endsAt) return;
    this.#told = { farewell, endsAt };
    this.#window?.cancel();
    if (this.#partsNow()) return;
    const { scheduler, rules } = this.#parts.world;
    if (rules.keepsWindows) this.#window = scheduler.after(farewell.windowMs, () => this.#cutOff());
  }

  /** The session is over: the server's side is closed. */
  close(): void {
    this.#idle?.cancel();
    this.#window?.cancel();
    this.#parts.server.listener = undefined;
    this.#parts.server.close();
  }

  #toClient(text: string): void {
    if (text === '') return;
    const { session, client } = this.#parts;
    for (const line of this.#fromServer.saw(text)) this.#open.delete(line.split(' ')[0] ?? '');
    session.bytesOut += text.length;
    client.send(text);
    session.activeMs = this.#now;
    this.#partsNow();
  }

  /** A client that idles waits for nothing. */
  #asked(line: string): void {
    const [tag = '', name = ''] = line.split(' ');
    if (name !== '' && name.toUpperCase() !== 'IDLE') this.#open.add(tag);
  }

  /** Nothing is under way: no command waits for its answer, and the server stands between two responses. */
  #isSafe(): boolean {
    if (!this.#parts.world.rules.waitsForBoundary) return true;
    return this.#open.size === 0 && this.#fromServer.isSafe() && this.#fromClient.isSafe();
  }

  /** The words, where this is the moment for them. */
  #partsNow(): boolean {
    if (this.#told === undefined || !this.#isSafe()) return false;
    this.#sayGoodbye(this.#told.farewell.reason);
    return true;
  }

  #cutOff(): void {
    if (this.#told === undefined) return;
    const { reason } = this.#told.farewell;
    if (this.#fromServer.isSafe()) this.#sayGoodbye(reason);
    else this.#parts.onEnd(reason, '');
  }

  #sayGoodbye(reason: EndReason): void {
    this.#parts.onEnd(reason, wordsFor(this.#parts.session.frontend, reason));
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
const halfClosedMs = 60_000;
