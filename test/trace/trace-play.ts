/**
 * Plays a trace: a golden conversation in a file, through the real worker, session and front, with a scripted
 * engine and server. A trace is a list of lines:
 *
 *   # TEXT                      for readers
 *   C> TEXT                     the client sends a line
 *   >C TEXT                     the client gets exactly this line
 *   S> TEXT                     the server says a line
 *   >S TEXT                     the server gets exactly this line; <TLS> stands for a handshake
 *   =  given CHANGE             how the world differs, before the session begins (see world.ts)
 *   =  now CHANGE               a new routing table
 *   =  greeted                  before the session begins: a worker that died has greeted the client
 *   =  tls                      the client does the handshake it was told to begin
 *   =  NAME -> DB -> SERVER (STATE, generation N)   what was decided for the handoff that is on
 *   =  handoff fails REASON [untouched]
 *   =  splice, from client offset N: "TEXT"         the server gets the client's bytes from there
 *   =  end REASON               the session is over
 *   =  fault REASON             the engine finds a fault that framing does not show
 *   =  client leaves            at this moment
 *   =  wait MS                  time passes
 *   =  pinned SERVER, =  unpinned, =  hashed SERVER   what the engine would answer
 *   =  warned TEXT              the operator is told so
 *
 * `\xNN` is a byte, `\$NxC` is N times the character C. Client lines that follow each other are one flight,
 * which is sent at once, or cut in two at any byte: the outcome must be the same.
 */
import { expect } from 'vitest';
import { smtpDialogues } from '#workers/smtp-dialogue';
import { runWorker } from '#workers/worker';
import type { EndReason } from '#model/end-reason';
import type { ToWorker } from '#model/messages';
import { type FakeClock, fakeClock } from '../support/fake-clock.ts';
import { ScriptedEngine } from './scripted-engine.ts';
import { type World, change, mailboxes, tableOf, usualWorld } from './world.ts';

const openDialogue = smtpDialogues();

export type TraceStep =
  | { readonly is: 'flight'; readonly bytes: string }
  | { readonly is: 'toClient' | 'fromServer' | 'toServer' | 'note'; readonly text: string };

export function parseTrace(file: string): TraceStep[] {
  const steps: TraceStep[] = [];
  for (const line of file.split('\n')) {
    const mark = line.slice(0, 2);
    const text = unescapeBytes(line.slice(3).trimStart() === '' ? '' : line.slice(3));
    const last = steps.at(-1);
    if (line === '' || line.startsWith('#')) continue;
    else if (mark === 'C>' && last?.is === 'flight')
      steps.splice(-1, 1, { is: 'flight', bytes: `${last.bytes}${text}\r\n` });
    else if (mark === 'C>') steps.push({ is: 'flight', bytes: `${text}\r\n` });
    else if (mark === '>C') steps.push({ is: 'toClient', text });
    else if (mark === 'S>') steps.push({ is: 'fromServer', text });
    else if (mark === '>S') steps.push({ is: 'toServer', text });
    else if (mark === '= ') steps.push({ is: 'note', text: text.trim() });
    else throw new Error(`no trace line: ${line}`);
  }
  return steps;
}

function unescapeBytes(text: string): string {
  return text
    .replace(/\\\$(\d+)x(.)/g, (_, count: string, character: string) => character.repeat(Number(count)))
    .replace(/\\x([0-9a-f]{2})/g, (_, code: string) => String.fromCharCode(parseInt(code, 16)));
}

/** The client's bytes in all flights: the places where a flight may be cut. */
export function clientBytes(steps: readonly TraceStep[]): number {
  return steps.reduce((sum, step) => sum + (step.is === 'flight' ? step.bytes.length : 0), 0);
}

/** How a flight is cut: at one place of all the client's bytes, or behind every byte. */
export type Cut = number | 'everywhere';

export async function playTrace(steps: readonly TraceStep[], cut: Cut): Promise<void> {
  const player = new Player();
  const givens = steps.filter((step) => step.is === 'note' && isGiven(step.text));
  for (const step of givens) if (step.is === 'note') player.given(step.text);
  await player.begin();
  let sent = 0;
  for (const step of steps) {
    if (step.is === 'note' && isGiven(step.text)) continue;
    if (step.is !== 'flight') {
      await player.play(step);
      continue;
    }
    for (const piece of pieces(step.bytes, cut === 'everywhere' ? cut : cut - sent)) await player.send(piece);
    sent += step.bytes.length;
  }
  await player.finish();
}

function isGiven(note: string): boolean {
  return note === 'greeted' || note.startsWith('given ');
}

function pieces(bytes: string, cut: Cut): string[] {
  if (cut === 'everywhere') return [...bytes];
  return cut > 0 && cut < bytes.length ? [bytes.slice(0, cut), bytes.slice(cut)] : [bytes];
}

class Player {
  readonly #world: World = usualWorld();
  readonly #clock: FakeClock = fakeClock();
  readonly #scheduled: (() => void)[] = [];
  readonly #logged: string[] = [];
  #wake: () => void = () => undefined;
  #isAwake = false;
  #tell: (message: ToWorker) => void = () => undefined;
  #isGreeted = false;
  #revision = 1;
  #clientRead = 0;
  #serverRead = 0;
  readonly #engine = new ScriptedEngine(mailboxes, () => (this.#isAwake = true));
  #over: Promise<void> = Promise.resolve();

  given(note: string): void {
    if (note === 'greeted') this.#isGreeted = true;
    else change(this.#world, note.slice('given '.length));
  }

  async begin(): Promise<void> {
    const port = {
      postMessage: (message: unknown) => void this.#logged.push(JSON.stringify(message)),
      on: (_: 'message', listener: (message: unknown) => void) => (this.#tell = listener),
      close: () => undefined,
    };
    const config = {
      frontends: [this.#world.frontend],
      loginAttemptsMax: 3,
      holdForMs: 5000,
      loginTimeoutMs: 60_000,
      greetingTimeoutMs: 10_000,
      hostname: 'mail.demo.test',
    };
    this.#over = runWorker(
      { index: 0, port, config, table: tableOf(this.#world, 1) },
      {
        join: (_, wake) => {
          this.#wake = wake;
          return this.#engine;
        },
        clock: this.#clock,
        schedule: (run) => void this.#scheduled.push(run),
        settle: (run) => void this.#scheduled.push(run),
        openDialogue,
      },
    );
    const { protocol, tls: policy } = this.#world.frontend;
    const tls =
      policy === 'implicit' ? `TLSv1.3 TLS13_AES_128_GCM_SHA256 ${protocol} mail.demo.test` : '- - - -';
    this.#engine.opens(`192.0.2.7 50000 198.51.100.1 993 ${tls}`, this.#isGreeted, protocol);
    await this.#settle();
  }

  async send(bytes: string): Promise<void> {
    this.#engine.clientSends(bytes);
    await this.#settle();
  }

  async play(step: Exclude<TraceStep, { is: 'flight' }>): Promise<void> {
    switch (step.is) {
      case 'toClient':
        return expect(this.#nextToClient()).toBe(step.text);
      case 'toServer':
        return expect(this.#nextToServer()).toBe(step.text);
      case 'fromServer':
        this.#engine.serverSays(step.text);
        return this.#settle();
      case 'note':
        await this.#note(step.text);
        return this.#settle();
    }
  }

  async finish(): Promise<void> {
    expect(this.#engine.toClient.slice(this.#clientRead), 'said to the client beyond the trace').toBe('');
    expect(this.#engine.toServer.slice(this.#serverRead), 'said to the server beyond the trace').toBe('');
    expect(
      this.#logged.filter((line) => line.includes('"log"')),
      'reported beyond the trace',
    ).toEqual([]);
    this.#tell({ type: 'stop' });
    await this.#over;
    expect(this.#engine.hasLeft).toBe(true);
  }

  async #note(note: string): Promise<void> {
    const [verb = '', ...rest] = note.split(' ');
    const told = rest.join(' ');
    switch (verb) {
      case 'now':
        change(this.#world, told);
        return this.#tell({ type: 'table', table: tableOf(this.#world, ++this.#revision) });
      case 'tls':
        return this.#engine.clientStartsTls();
      case 'handoff':
        return this.#engine.handoffFails(rest[1] as EndReason, rest[2] === 'untouched');
      case 'splice,':
        return this.#checkSplice(note);
      case 'end':
        return expect(this.#engine.ended).toBe(told);
      case 'fault':
        return this.#engine.tells('fault', told as EndReason);
      case 'client':
        return this.#engine.tells('closed', 'client_quit');
      case 'wait':
        return this.#wait(Number(told));
      case 'pinned':
        return void (this.#engine.pinned = this.#indexOf(told));
      case 'unpinned':
        return void (this.#engine.pinned = -1);
      case 'hashed':
        return void (this.#engine.hashed = this.#indexOf(told));
      case 'warned':
        return expect(this.#logged.splice(0).join('\n')).toContain(told);
      default:
        return expect(this.#decision()).toBe(note);
    }
  }

  /** Time in steps, so that whoever waits again within it is served. */
  async #wait(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 50) {
      this.#clock.advance(Math.min(50, ms - passed));
      await this.#settle();
    }
  }

  #checkSplice(note: string): void {
    const [, offset, text] = /from client offset (\d+): "(.*)"$/.exec(note) ?? [];
    expect(this.#engine.splicedFrom, 'spliced from').toBe(Number(offset));
    expect(this.#engine.unreadFrom(Number(offset)).replaceAll('\r\n', '|').replace(/\|$/, '')).toBe(text);
  }

  #decision(): string {
    const { name, handed } = this.#engine;
    const server = this.#world.servers.find(({ index }) => index === handed?.server)?.id;
    const database = this.#world.databases.find(({ index }) => index === handed?.database);
    if (database === undefined) return `${name} -> no database -> ${server}`;
    expect(handed?.isExclusive).toBe(database.policy === 'exclusive');
    return `${name} -> ${database.id} -> ${server} (${database.state.at}, generation ${handed?.generation})`;
  }

  #indexOf(name: string): number {
    return this.#world.servers.find(({ id }) => id === name)?.index ?? -1;
  }

  #nextToClient(): string {
    const [line, next] = lineAt(this.#engine.toClient, this.#clientRead);
    this.#clientRead = next;
    return line;
  }

  #nextToServer(): string {
    const [line, next] = lineAt(this.#engine.toServer, this.#serverRead);
    this.#serverRead = next;
    return line;
  }

  /**
   * Until nothing is left to do: events taken, promises run, commands submitted. What judges SMTP's commands
   * takes a turn of the event loop for some of them.
   */
  async #settle(): Promise<void> {
    for (let quietTurns = 0; quietTurns < 3; quietTurns++) {
      const isAwake = this.#isAwake;
      this.#isAwake = false;
      if (isAwake) this.#wake();
      await new Promise((resolve) => setImmediate(resolve));
      const due = this.#scheduled.splice(0);
      for (const run of due) run();
      if (isAwake || due.length > 0) quietTurns = 0;
    }
  }
}

/** A line without its CRLF, and where the next begins; what is no whole line comes as it is. */
function lineAt(text: string, from: number): [string, number] {
  const end = text.indexOf('\r\n', from);
  return end < 0 ? [text.slice(from), text.length] : [text.slice(from, end), end + 2];
}
