/** An engine for one session that does what a trace says: real records in and out, no sockets. */
import { assert } from '#lib/assert';
import { codeOf, endReasonOf, type EndReason } from '#model/end-reason';
import type { LoginProtocol } from '#model/protocol';
import { type EngineLink, events, noDatabase, ops, recordWords } from '#workers/engine-link';
import { ClientFramer } from './client-framer.ts';
import { ScriptPlay, readScript } from './script-reader.ts';

export interface Handed {
  readonly server: number;
  readonly database: number;
  readonly generation: number;
  readonly isExclusive: boolean;
}

/** Session 1 of IO thread 3, turn 5: so that both halves of the id are in use. */
export const sessionId = 3 * 2 ** 48 + 5 * 2 ** 20 + 1;
const [idLow, idHigh] = [sessionId >>> 0, Math.floor(sessionId / 2 ** 32)];

export class ScriptedEngine implements EngineLink {
  toClient = '';
  toServer = '';
  name = '';
  heldMs = 0;
  handed: Handed | undefined;
  ended: EndReason | undefined;
  /** Clear bytes of the client that the server gets, once spliced. */
  splicedFrom: number | undefined;
  hasLeft = false;
  pinned = -1;
  hashed = -1;
  readonly #mailboxes: ReadonlyMap<string, number>;
  readonly #limits = { lineBytesMax: 66_000, literalBytesMax: 65_536, literals: true, bareLfEndsLine: true };
  #framer = new ClientFramer(this.#limits);
  #consumed = 0;
  #awaitsTls = false;
  #play: ScriptPlay | undefined;
  #events: { kind: number; argument: number; bytes: Buffer }[] = [];
  readonly #wake: () => void;

  constructor(mailboxes: ReadonlyMap<string, number>, wake: () => void) {
    this.#mailboxes = mailboxes;
    this.#wake = wake;
  }

  opens(text: string, isGreeted: boolean, protocol: LoginProtocol): void {
    this.#limits.literals = protocol === 'imap' || protocol === 'sieve';
    this.#limits.bareLfEndsLine = protocol !== 'submission';
    this.#push(events.opened, isGreeted ? 0x1_0000 : 0, text);
  }

  clientSends(bytes: string): void {
    this.#framer.bytes += bytes;
    if (!this.#awaitsTls) this.#frame();
  }

  clientStartsTls(): void {
    assert(this.#awaitsTls, 'somebody awaits that the client starts TLS');
    this.#awaitsTls = false;
    this.#framer = new ClientFramer(this.#limits);
    this.#consumed = 0;
    this.#push(events.tlsReady, 0, 'TLSv1.3 TLS13_AES_128_GCM_SHA256 - -');
  }

  serverSays(line: string): void {
    assert(this.#play !== undefined, `a handoff is on when the server says ${line}`);
    const sentBefore = this.#play?.sent.length ?? 0;
    this.#play?.serverSays(line);
    this.toServer += this.#play?.sent.slice(sentBefore) ?? '';
    this.#judge();
  }

  handoffFails(reason: EndReason, isUntouched: boolean): void {
    assert(this.#play !== undefined, 'a handoff is on when it fails');
    this.#play = undefined;
    this.#push(events.handoffFailed, codeOf(reason) + (isUntouched ? 0x1_0000 : 0), 'in words');
  }

  /** A fault that the framer does not see, or the end of the session from outside. */
  tells(kind: 'fault' | 'closed', reason: EndReason): void {
    if (kind === 'closed') this.ended = reason;
    this.#push(events[kind], codeOf(reason), '');
  }

  unreadFrom(offset: number): string {
    return this.#framer.bytes.slice(offset);
  }

  drain(heads: Uint32Array, bytes: Uint8Array): number {
    const batch = this.#events.splice(0, 3);
    let at = 0;
    batch.forEach((event, index) => {
      heads.set([event.kind, idLow, idHigh, event.argument, event.bytes.length], index * recordWords);
      bytes.set(event.bytes, at);
      at += event.bytes.length;
    });
    return this.#events.length > 0 ? -batch.length - 1 : batch.length;
  }

  submit(heads: Uint32Array, count: number, bytes: Uint8Array): void {
    let at = 0;
    for (let index = 0; index < count; index++) {
      const head = heads.subarray(index * recordWords, (index + 1) * recordWords);
      const [op = 0, low, high, argument = 0, length = 0] = head;
      assert(low === idLow && high === idHigh, 'a command carries the id of its session');
      this.#obey(op, argument, Buffer.from(bytes.subarray(at, at + length)));
      at += length;
    }
  }

  lookup(key: string, out: Uint32Array): boolean {
    const database = this.#mailboxes.get(key);
    out.set([77, 0, database ?? noDatabase]);
    return database !== undefined;
  }

  pinOf(): number {
    return this.pinned;
  }

  hashServer(): number {
    return this.hashed;
  }

  leave(): void {
    this.hasLeft = true;
  }

  #obey(op: number, argument: number, bytes: Buffer): void {
    if (this.ended !== undefined || this.splicedFrom !== undefined) return;
    const text = bytes.toString('latin1');
    switch (op) {
      case ops.write:
      case ops.refuse:
        this.#consume(argument);
        this.toClient += text;
        return;
      case ops.startTls:
        return this.#startTls(argument, text);
      case ops.handoff:
        return this.#handoff(argument, bytes);
      case ops.expectLiteral:
        assert(this.#framer.expectLiteral(argument), 'a literal waits to be invited');
        this.toClient += text;
        return this.#frame();
      case ops.expectLine:
        assert(this.#framer.expectLine(), 'a literal waits to be refused');
        return this.#frame();
      case ops.end:
        this.toClient += text;
        this.ended = endReasonOf(argument);
        return this.#push(events.closed, argument, '');
      case ops.hold:
        this.heldMs += argument;
        return;
      case ops.name:
        this.name = bytes.toString('utf8');
        return;
      default:
        assert(false, `op ${op} exists`);
    }
  }

  #consume(offset: number): void {
    if (offset === 0) return;
    assert(
      this.#consumed <= offset && offset <= this.#framer.offset,
      'consumed before <= consumed <= framed',
    );
    this.#consumed = offset;
  }

  #startTls(offset: number, reply: string): void {
    this.#consume(offset);
    if (this.#framer.bytes.length > offset) {
      this.ended = 'starttls_injection';
      return this.#push(events.closed, codeOf('starttls_injection'), '');
    }
    this.toClient += reply;
    this.#awaitsTls = true;
  }

  #handoff(offset: number, bytes: Buffer): void {
    this.#consume(offset);
    const [server = 0, database = 0, low = 0, high = 0, mailboxLow, mailboxHigh, flags] = Array.from(
      { length: 7 },
      (_, index) => bytes.readUInt32LE(index * 4),
    );
    assert(mailboxLow === 77 && mailboxHigh === 0, 'the handoff carries the identity of the mailbox');
    this.handed = { server, database, generation: high * 2 ** 32 + low, isExclusive: flags === 1 };
    this.#play = new ScriptPlay(readScript(bytes.subarray(28)));
    this.toServer += this.#play.sent;
  }

  #judge(): void {
    const outcome = this.#play?.outcome;
    if (outcome === undefined || outcome === 'playing') return;
    if (outcome === 'done') {
      this.toClient += this.#play?.lastWords() ?? '';
      this.splicedFrom = this.#consumed;
      this.#push(events.spliced, 0, '');
    } else if (outcome === 'failed') {
      this.#push(events.handoffFailed, codeOf('server_unexpected'), 'in words');
    } else {
      this.#push(events.handoffRefused, 0, outcome.refusedWith);
    }
    this.#play = undefined;
  }

  #frame(): void {
    if (this.ended !== undefined || this.splicedFrom !== undefined) return;
    for (let framed = this.#framer.next(); framed !== undefined; framed = this.#framer.next()) {
      if (framed.is === 'fault') return this.#push(events.fault, codeOf(framed.reason), '');
      this.#push(events[framed.is], framed.offset, framed.text);
    }
  }

  #push(kind: number, argument: number, text: string): void {
    this.#events.push({ kind, argument, bytes: Buffer.from(text, 'latin1') });
    this.#wake();
  }
}
