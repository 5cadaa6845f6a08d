/**
 * Reads a handoff script back from its bytes, written from the grammar in gateway/model/handoff-script.ts.
 */
import { assert } from '#lib/assert';

export type ReadStep =
  | { readonly step: 'send'; readonly unless: string; readonly bytes: string }
  | {
      readonly step: 'expect';
      readonly unless: string;
      readonly timeoutMs: number;
      readonly rules: readonly ReadRule[];
    }
  | { readonly step: 'startTls'; readonly unless: string }
  | { readonly step: 'pause'; readonly unless: string; readonly ms: number };

export interface ReadRule {
  readonly action: 'accept' | 'refuse' | 'fail' | 'skip';
  readonly keep: 'before' | 'final' | undefined;
  readonly prefix: string;
}

export function readScript(script: Uint8Array): ReadStep[] {
  const bytes = Buffer.from(script);
  let at = 0;
  const u8 = (): number => bytes.readUInt8(at++);
  const u32 = (): number => bytes.readUInt32LE((at += 4) - 4);
  const text = (length: number): string => bytes.toString('latin1', at, (at += length));
  const short = (): string => text(u8());
  const rule = (): ReadRule => {
    const action = (['accept', 'refuse', 'fail', 'skip'] as const)[u8() - 1];
    const keep = ([undefined, 'before', 'final'] as const)[u8()];
    if (action === undefined) throw new Error('no such action');
    return { action, keep, prefix: short() };
  };
  const step = (): ReadStep => {
    const kind = u8();
    const unless = short();
    if (kind === 1) return { step: 'send', unless, bytes: text(u32()) };
    if (kind === 3) return { step: 'startTls', unless };
    if (kind === 4) return { step: 'pause', unless, ms: u32() };
    const timeoutMs = u32();
    return { step: 'expect', unless, timeoutMs, rules: Array.from({ length: u8() }, rule) };
  };
  const steps = Array.from({ length: u8() }, step);
  assert(at === bytes.length, 'a script ends with its last step');
  assert(steps.length <= 20, 'a script has at most 20 steps');
  return steps;
}

/** What a server would see and say: plays a script against lines given one by one. */
export class ScriptPlay {
  /** Everything that was sent; TLS shows as a line of its own. */
  sent = '';
  outcome: 'playing' | 'done' | 'failed' | { readonly refusedWith: string } = 'playing';
  final: string | undefined;
  /** The step that is played now. */
  at = 0;
  #taken = 0;
  #before: string[] = [];
  readonly #steps: readonly ReadStep[];

  /** `holds`: nothing is sent before `begin`. */
  constructor(steps: readonly ReadStep[], { holds = false } = {}) {
    this.#steps = steps;
    if (!holds) this.#run();
  }

  begin(): void {
    this.#run();
  }

  /** What was sent since the last call. */
  takeSent(): string {
    const said = this.sent.slice(this.#taken);
    this.#taken = this.sent.length;
    return said;
  }

  /** How long the present step waits for the server. */
  get timeoutMs(): number {
    const step = this.#steps[this.at];
    return step?.step === 'expect' ? step.timeoutMs : 0;
  }

  serverSays(line: string): void {
    const step = this.#steps[this.at];
    assert(step?.step === 'expect', `the script awaits something when the server says ${line}`);
    const rule = step.rules.find(({ prefix }) => line.toUpperCase().startsWith(prefix.toUpperCase()));
    if (rule?.keep === 'before') this.#before.push(line);
    if (rule?.keep === 'final') this.final = line;
    if (rule?.action === 'skip') return;
    if (rule?.action === 'accept') {
      this.at++;
      return this.#run();
    }
    this.outcome = rule?.action === 'refuse' ? { refusedWith: line } : 'failed';
  }

  /** The kept lines, in the order in which the client gets them. */
  kept(): string[] {
    return this.final === undefined ? this.#before : [...this.#before, this.final];
  }

  /** What the client gets when the splice opens. */
  lastWords(): string {
    return this.kept()
      .map((line) => `${line}\r\n`)
      .join('');
  }

  #run(): void {
    for (let step = this.#steps[this.at]; step !== undefined; step = this.#steps[this.at]) {
      const isSkipped = step.unless !== '' && this.final?.toUpperCase().includes(step.unless) === true;
      if (!isSkipped && step.step === 'expect') return;
      if (!isSkipped && step.step === 'send') this.sent += step.bytes;
      if (!isSkipped && step.step === 'startTls') {
        this.sent += '<TLS>\r\n';
        this.#before = [];
        this.final = undefined;
      }
      this.at++;
    }
    this.outcome = 'done';
  }
}
