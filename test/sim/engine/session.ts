/**
 * One session of the fake engine, from accept to its one end: the preamble of
 * native/crates/engine/src/preamble.rs with its offsets, bounds and deadlines, the handoff, and the splice.
 * Records in and out are the real ones; bytes travel whole pieces at a time.
 */
import type { Timer } from '#lib/clock';
import { codeOf, endReasonOf } from '#model/end-reason';
import type { EndReason } from '#model/end-reason';
import type { FrontendSetup } from '#native';
import { events, ops } from '#workers/engine-link';
import { ClientFramer } from '../../trace/client-framer.ts';
import type { Wire } from '../world/network.ts';
import { admit, endpointOf, requestOf } from './placement.ts';
import type { Farewell, Phase, Placement, SessionView } from './session-view.ts';
import { concernsServer, nowhere } from './session-view.ts';
import { type EngineWorld, type Place, wordsFor } from './parts.ts';
import { Splice } from './splice.ts';
import { Talk, type TalkOutcome } from './talk.ts';
import { placeFor } from './worker-choice.ts';
import type { QueuedEvent, Share } from './worker-queue.ts';

export interface SessionStart {
  readonly id: number;
  readonly frontendIndex: number;
  readonly address: string;
  readonly port: number;
  readonly wire: Wire;
  /** The slot is free again. */
  readonly onEnd: (session: EngineSession, reason: EndReason) => void;
}

/** A command of a worker, as it crossed. */
export interface Command {
  readonly op: number;
  readonly argument: number;
  readonly text: string;
  readonly bytes: Uint8Array;
}

export class EngineSession implements SessionView {
  readonly id: number;
  readonly address: string;
  readonly port: number;
  readonly frontend: FrontendSetup;
  readonly startedMs: number;
  phase: Phase = 'handshake';
  worker: { readonly place: Place; readonly turn: number } | undefined;
  placement: Placement = nowhere;
  isExclusive = false;
  user = '';
  activeMs: number;
  bytesIn = 0;
  bytesOut = 0;
  preambleMs = 0;
  /** Framed pieces that the worker has and has not consumed. */
  unconsumed: number[] = [];
  awaitsWorker: { readonly isGreeted: boolean } | undefined;
  readonly #world: EngineWorld;
  readonly #start: SessionStart;
  readonly #wire: Wire;
  #framer: ClientFramer;
  #undelivered: { readonly kind: number; readonly argument: number; readonly text: string } | undefined;
  #unread = '';
  #deadlineMs = Infinity;
  #timer: Timer | undefined;
  #fault: EndReason | undefined;
  #hasLeft = false;
  #hasNoWorker = false;
  #hasSpoken = false;
  #readTotal = 0;
  #consumed = 0;
  #refusals = 0;
  #heldUntilMs = 0;
  #tlsFields = '- - - -';
  #awaitsHello: (() => void) | undefined;
  #talk: Talk | undefined;
  #splice: Splice | undefined;
  #handoffBegan = { atMs: 0, deadlineMs: 0 };

  constructor(world: EngineWorld, start: SessionStart) {
    const frontend = world.config.frontends[start.frontendIndex];
    if (frontend === undefined) throw new Error('a session comes from a frontend');
    this.#world = world;
    this.#start = start;
    this.#wire = start.wire;
    this.id = start.id;
    this.address = start.address;
    this.port = start.port;
    this.frontend = frontend;
    this.startedMs = world.scheduler.now();
    this.activeMs = this.startedMs;
    this.#framer = new ClientFramer({ ...world.config.limits, literals: true, bareLfEndsLine: true });
    this.#wire.listener = {
      onBytes: (text) => this.#onBytes(text),
      onHello: () => this.#onHello(),
      onClose: () => this.#onClientClose(),
      onReset: () => this.#end('client_reset', ''),
    };
    if (frontend.tls === 'starttls') this.#beginPreamble();
    else this.#awaitHello();
  }

  get isOver(): boolean {
    return this.phase === 'over';
  }

  get isHeld(): boolean {
    return this.phase === 'preamble' && this.#heldUntilMs > this.#world.scheduler.now();
  }

  /** Alive to the client: neither spliced nor over. */
  get isPreamble(): boolean {
    return this.phase !== 'spliced' && this.phase !== 'over';
  }

  // --- what the client does -------------------------------------------------------------------------

  #awaitHello(): void {
    this.#putDeadline(this.startedMs + this.#world.config.limits.tlsTimeoutMs);
    this.#awaitsHello = () => this.#beginPreamble();
  }

  #onHello(): void {
    if (this.#awaitsHello === undefined) return this.#end('tls_failed', '');
    const go = this.#awaitsHello;
    this.#awaitsHello = undefined;
    this.#tlsFields = 'TLSv1.3 TLS13_AES_128_GCM_SHA256 - -';
    this.#wire.hello();
    go();
  }

  #onBytes(text: string): void {
    if (this.isOver) return;
    if (this.#splice !== undefined) return this.#splice.fromClient(text);
    this.#unread += text;
    this.#read();
  }

  #onClientClose(): void {
    if (this.isOver) return;
    if (this.#splice !== undefined) return this.#splice.clientClosed();
    this.#hasLeft = true;
    if (this.phase === 'handshake') return this.#end('client_quit', '');
    if (this.#unread === '' && this.#framer.bytes.length === this.#consumed)
      return this.#end('client_quit', '');
    this.#putDeadline(Math.min(this.#deadlineMs, this.#now + leftGraceMs));
  }

  /** During a handoff reading goes on, so that a client that leaves is noticed. */
  #hasRoom(): boolean {
    const isDelivered = this.#undelivered === undefined || this.phase === 'handoff';
    return this.#readTotal < this.#world.config.limits.preambleBytesMax && isDelivered;
  }

  #read(): void {
    if (this.phase !== 'preamble' && this.phase !== 'handoff') return;
    if (this.#awaitsHello !== undefined || this.#fault !== undefined) return;
    if (this.#unread !== '' && this.#hasRoom()) {
      this.#framer.bytes += this.#unread;
      this.#readTotal += this.#unread.length;
      this.#unread = '';
    }
    if (this.phase === 'preamble') this.#frame();
  }

  #frame(): void {
    const undelivered = this.#undelivered;
    if (undelivered !== undefined) {
      this.#undelivered = undefined;
      this.#deliver(undelivered);
    }
    while (this.#undelivered === undefined && this.#fault === undefined && !this.isOver) {
      if (this.unconsumed.length >= piecesMax && this.#world.rules.boundsPieces) return;
      const framed = this.#framer.next();
      if (framed === undefined) {
        if (this.#readTotal >= this.#world.config.limits.preambleBytesMax) this.#blame('preamble_too_long');
        return;
      }
      if (framed.is === 'fault') return this.#blame(framed.reason);
      this.#deliver({ kind: events[framed.is], argument: framed.offset, text: framed.text });
    }
  }

  #deliver(piece: { readonly kind: number; readonly argument: number; readonly text: string }): void {
    const place = this.worker?.place;
    const share = this.#world.rules.boundsQueues ? 1 : Infinity;
    if (place !== undefined && this.#push(place, { id: this.id, ...piece }, share)) {
      this.unconsumed.push(piece.argument);
    } else {
      this.#undelivered = piece;
    }
  }

  #blame(reason: EndReason): void {
    this.#fault = reason;
    const from = Math.max(this.#now, this.#heldUntilMs);
    this.#putDeadline(Math.min(this.#deadlineMs, from + refusalGraceMs));
    this.#tell(events.fault, codeOf(reason), '');
  }

  // --- its worker -----------------------------------------------------------------------------------

  #beginPreamble(): void {
    this.phase = 'preamble';
    this.#putDeadline(this.#now + this.#world.config.limits.preambleTimeoutMs);
    this.#chooseWorker(false);
    this.#read();
  }

  #chooseWorker(isGreeted: boolean): void {
    const { places, config } = this.#world;
    const place = placeFor(places, this.address);
    const text = `${this.address} ${this.port} 192.0.2.1 993 ${this.#tlsFields}`;
    const argument = this.#start.frontendIndex + (isGreeted ? marked : 0);
    const turn = place && this.#pushNews(place, events.opened, argument, text);
    if (place === undefined || turn === undefined) {
      this.worker = undefined;
      this.awaitsWorker = { isGreeted };
      return this.#putDeadline(Math.min(this.#deadlineMs, this.#now + workerWaitMs));
    }
    place.sessions++;
    this.worker = { place, turn };
    if (this.awaitsWorker !== undefined) this.#putDeadline(this.#now + config.limits.preambleTimeoutMs);
    this.awaitsWorker = undefined;
  }

  #push(place: Place, event: QueuedEvent, share: Share): boolean {
    const taken = place.queue.push(event, share);
    if (taken?.wakes === true) place.wake?.();
    this.#world.witness.tell({
      is: 'queued',
      place: place.index,
      size: place.queue.bounded,
      pieces: this.unconsumed.length,
    });
    return taken !== undefined;
  }

  #pushNews(place: Place, kind: number, argument: number, text: string): number | undefined {
    const isTaken = this.#push(place, { kind, id: this.id, argument, text }, 2);
    return isTaken ? place.turn : undefined;
  }

  #tell(kind: number, argument: number, text: string): void {
    const place = this.worker?.place;
    if (place === undefined) return;
    if (this.#pushNews(place, kind, argument, text) === undefined) this.#end('worker_overloaded');
  }

  /** The session is no longer its worker's, which knows or is gone. */
  #dismissWorker(): Place | undefined {
    const place = this.worker?.place;
    this.worker = undefined;
    if (place !== undefined) place.sessions--;
    return place;
  }

  #leaveWorker(kind: number, argument: number): void {
    const place = this.#dismissWorker();
    if (place !== undefined) this.#push(place, { kind, id: this.id, argument, text: '' }, Infinity);
  }

  workerGone(): void {
    this.#dismissWorker();
    if (this.phase === 'handoff' || this.#awaitsHello !== undefined) {
      this.#hasNoWorker = true;
      return;
    }
    if (this.#readTotal > 0 || this.#hasLeft) return this.#end('worker_died');
    this.#chooseWorker(this.#hasSpoken);
  }

  workerHasRoom(): void {
    if (!this.isPreamble || this.#awaitsHello !== undefined || this.phase === 'handoff') return;
    if (this.awaitsWorker !== undefined) this.#chooseWorker(this.awaitsWorker.isGreeted);
    this.#read();
  }

  // --- what the worker says -------------------------------------------------------------------------

  obey(command: Command): void {
    if (this.isOver || this.phase === 'spliced' || this.phase === 'handshake') return;
    const { op, argument, text } = command;
    const isBusy = this.phase === 'handoff' || this.#awaitsHello !== undefined;
    if (isBusy && op !== ops.end) return;
    switch (op) {
      case ops.write:
      // How long an answer is held back is the real engine's to count.
      case ops.refuse:
        this.#consume(argument);
        this.#say(text);
        break;
      case ops.expectLiteral:
        if (!this.#framer.expectLiteral(argument)) return this.#end('internal_error');
        this.#say(text);
        break;
      case ops.expectLine:
        this.#framer.expectLine();
        break;
      case ops.startTls:
        return this.#startTls(argument, text);
      case ops.handoff:
        this.#consume(argument);
        return this.#handoff(command.bytes);
      case ops.hold:
        return this.#hold(argument);
      case ops.name:
        this.user = text;
        break;
      case ops.end:
        // The worker knows: it is not told.
        this.#dismissWorker();
        return this.#end(endReasonOf(argument), text);
      default:
        return this.#end('internal_error');
    }
    this.#read();
  }

  #consume(offset: number): void {
    if (offset === 0 || offset <= this.#consumed || offset > this.#framer.offset) return;
    this.#consumed = offset;
    while (this.unconsumed[0] !== undefined && this.unconsumed[0] <= offset) this.unconsumed.shift();
  }

  #say(text: string): void {
    if (text === '') return;
    this.#hasSpoken = true;
    this.#wire.send(text);
  }

  #startTls(offset: number, answer: string): void {
    this.#consume(offset);
    const isClean = this.#framer.bytes.length === this.#consumed && this.#unread === '';
    if (!isClean || this.#tlsFields !== '- - - -') return this.#end('starttls_injection', '');
    this.#say(answer);
    const leftMs = this.#deadlineMs - this.#now;
    this.#putDeadline(this.#now + this.#world.config.limits.tlsTimeoutMs);
    this.#awaitsHello = () => {
      this.#putDeadline(this.#now + leftMs);
      this.#framer = new ClientFramer({ ...this.#world.config.limits, literals: true, bareLfEndsLine: true });
      [this.#consumed, this.#readTotal] = [0, 0];
      this.unconsumed = [];
      if (this.#hasNoWorker) return this.#end('worker_died');
      this.#tell(events.tlsReady, 0, this.#tlsFields);
      this.#read();
    };
  }

  #hold(milliseconds: number): void {
    this.#heldUntilMs = this.#now + milliseconds;
    if (!this.#hasLeft) this.#putDeadline(this.#deadlineMs + milliseconds);
  }

  // --- the handoff ----------------------------------------------------------------------------------

  #handoff(bytes: Uint8Array): void {
    const { config, table, witness } = this.#world;
    if (this.#refusals >= config.limits.loginAttemptsMax) return this.#end('too_many_failures');
    this.phase = 'handoff';
    this.#handoffBegan = { atMs: this.#now, deadlineMs: this.#deadlineMs };
    const { placement, isExclusive, script } = requestOf(bytes);
    const { server } = placement;
    this.isExclusive = isExclusive;
    witness.tell({ is: 'handoff', session: this, placement, isExclusive });
    const endpoint = endpointOf(table().servers, server, this.frontend.protocol);
    if (endpoint === undefined)
      return this.#settle({ is: 'failed', reason: 'server_down', detail: 'no endpoint', isUntouched: true });
    this.placement = placement;
    if (!this.#hasLeft) this.#putDeadline(Infinity);
    this.#talk = new Talk({
      ...this.#world,
      endpoint,
      script,
      connectTimeoutMs: config.limits.connectTimeoutMs,
      onOutcome: (outcome) => this.#onTalk(outcome),
    });
  }

  #onTalk(outcome: TalkOutcome): void {
    this.#talk = undefined;
    if (outcome.is !== 'open') return this.#settle(outcome);
    const refusal = admit(this.#world, this);
    if (refusal === undefined) return this.#join(outcome.wire, outcome.words);
    outcome.wire.listener = undefined;
    outcome.wire.close();
    this.#settle({ is: 'failed', reason: refusal, detail: '', isUntouched: true });
  }

  /** The handoff has ended without a splice. */
  #settle(outcome: Exclude<TalkOutcome, { is: 'open' }>): void {
    if (this.#hasNoWorker) return this.#end('worker_died');
    this.phase = 'preamble';
    this.placement = nowhere;
    if (outcome.is === 'refused') this.#refusals++;
    const { atMs, deadlineMs } = this.#handoffBegan;
    if (!this.#hasLeft) this.#putDeadline(deadlineMs + this.#now - atMs);
    if (outcome.is === 'refused') this.#tell(events.handoffRefused, 0, outcome.line);
    else
      this.#tell(
        events.handoffFailed,
        codeOf(outcome.reason) + (outcome.isUntouched ? marked : 0),
        outcome.detail,
      );
    this.#read();
  }

  #join(server: Wire, words: string): void {
    const pending = this.#framer.bytes.slice(this.#consumed) + this.#unread;
    this.#leaveWorker(events.spliced, 0);
    this.phase = 'spliced';
    this.preambleMs = this.#now - this.startedMs;
    this.activeMs = this.#now;
    this.#world.witness.tell({ is: 'spliced', session: this });
    this.#timer?.cancel();
    this.#splice = new Splice({
      session: this,
      world: this.#world,
      client: this.#wire,
      server,
      words,
      pending,
      onEnd: (reason, last) => this.#end(reason, last),
    });
    if (this.#hasLeft) this.#splice.clientClosed();
  }

  // --- goodbyes, deadlines, the end -----------------------------------------------------------------

  goodbye(farewell: Farewell): void {
    const { reason } = farewell;
    if (this.isOver) return;
    if (this.#splice !== undefined) return this.#splice.goodbye(farewell);
    if (this.phase === 'handshake' || this.#awaitsHello !== undefined) return this.#end(reason, '');
    if (!concernsServer(reason)) return this.#end(reason);
    if (this.phase !== 'handoff') return;
    this.#talk?.cancel();
    this.#talk = undefined;
    this.#settle({ is: 'failed', reason, detail: '', isUntouched: true });
  }

  /** The engine is stopped. */
  cutOff(): void {
    this.#end('shutdown', '');
  }

  /** The machine is gone: both connections break, and nobody writes anything down. */
  vanish(): void {
    this.phase = 'over';
    this.#timer?.cancel();
    this.#talk?.cancel();
    this.#splice?.close();
    this.#wire.listener = undefined;
    this.#wire.reset();
  }

  #onDeadline(): void {
    if (this.phase === 'handshake' || this.#awaitsHello !== undefined) return this.#end('tls_timeout', '');
    if (this.awaitsWorker !== undefined) return this.#end('worker_overloaded');
    if (this.#hasLeft) return this.#end('client_quit', '');
    if (this.#fault !== undefined) return this.#end(this.#fault);
    this.#putDeadline(Infinity);
    this.#blame('preamble_timeout');
  }

  #putDeadline(deadlineMs: number): void {
    this.#deadlineMs = deadlineMs;
    this.#timer?.cancel();
    this.#timer = undefined;
    if (deadlineMs === Infinity || this.phase === 'spliced' || this.isOver) return;
    this.#timer = this.#world.scheduler.after(deadlineMs - this.#now, () => this.#onDeadline());
  }

  /** Without words the frontend's own for this reason. */
  #end(reason: EndReason, words = wordsFor(this.frontend, reason)): void {
    if (this.isOver) return;
    const wasSpliced = this.phase === 'spliced';
    this.#timer?.cancel();
    this.#talk?.cancel();
    this.#splice?.close();
    if (!wasSpliced) this.preambleMs = this.#now - this.startedMs;
    this.#leaveWorker(events.closed, codeOf(reason));
    this.phase = 'over';
    if (words !== '') this.#wire.send(words);
    this.#wire.close();
    this.#wire.listener = undefined;
    if (wasSpliced) this.#world.pins.release(this.placement.mailbox, this.placement.server);
    this.#start.onEnd(this, reason);
  }

  get #now(): number {
    return this.#world.scheduler.now();
  }
}

const marked = 0x1_0000;
const piecesMax = 160;
const leftGraceMs = 900;
const refusalGraceMs = 1_000;
const workerWaitMs = 5_000;
