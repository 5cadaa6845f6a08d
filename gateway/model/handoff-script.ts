/**
 * The script that makes a server connection stand where the client believes it stands: at most 16 linear
 * steps, written by a front, played by the engine without JavaScript. Monitors use the same scripts, without
 * a client, as probes.
 *
 * Here are the steps and their encoding; `native/crates/wire/src/script.rs` decodes and judges.
 */

/** One step. `unlessFinalHas`: the step is skipped when the line kept as final contains this text. */
export type Step =
  | { readonly step: 'send'; readonly bytes: string; readonly unlessFinalHas?: string }
  | { readonly step: 'expect'; readonly rules: readonly Rule[]; readonly timeoutMs: number; readonly unlessFinalHas?: string }
  /** The connection turns to TLS as the endpoint's policy says. Bytes already received end the session (V02). */
  | { readonly step: 'startTls' };

/**
 * What to do with a line from the server. The first rule whose prefix fits (ASCII case aside) decides;
 * a line that no rule fits ends the handoff as server_unexpected. An empty prefix fits every line.
 *   accept  go on to the next step
 *   refuse  the server has judged the login: the line goes back to the front
 *   fail    temporary trouble: the handoff ends as server_unexpected
 *   skip    wait for the next line
 * `keep` puts the line into the words that the client gets when the splice opens: those kept `before` in
 * their order, then the one kept as `final`. A probe gets them as its captured lines.
 */
export interface Rule {
  readonly prefix: string;
  readonly then: 'accept' | 'refuse' | 'fail' | 'skip';
  readonly keep?: 'before' | 'final';
}

export const scriptStepsMax = 16;
/** A login's secrets (64 KiB of SASL) and what stands around them. */
export const scriptBytesMax = 96 * 1024;

const kinds = { send: 1, expect: 2, startTls: 3 } as const;
const actions = { accept: 1, refuse: 2, fail: 3, skip: 4 } as const;
const keeps = { before: 1, final: 2 } as const;

/**
 * Writes the steps as the engine reads them; strings are latin-1, one byte a character.
 *
 *   script := count:u8 step*
 *   step   := kind:u8 unless:short ( send: length:u32le bytes | expect: timeoutMs:u32le count:u8 rule* | startTls: nothing )
 *   rule   := action:u8 keep:u8 prefix:short
 *   short  := length:u8 bytes
 */
export function encodeScript(steps: readonly Step[]): Uint8Array {
  const parts: Buffer[] = [Buffer.from([steps.length])];
  for (const step of steps) parts.push(...encodeStep(step));
  return Buffer.concat(parts);
}

function encodeStep(step: Step): Buffer[] {
  switch (step.step) {
    case 'send': {
      const bytes = Buffer.from(step.bytes, 'latin1');
      return [Buffer.from([kinds.send]), short(step.unlessFinalHas ?? ''), u32(bytes.length), bytes];
    }
    case 'expect': {
      const head = [Buffer.from([kinds.expect]), short(step.unlessFinalHas ?? ''), u32(step.timeoutMs)];
      return [...head, Buffer.from([step.rules.length]), ...step.rules.flatMap(encodeRule)];
    }
    case 'startTls':
      return [Buffer.from([kinds.startTls]), short('')];
  }
}

function encodeRule(rule: Rule): Buffer[] {
  return [Buffer.from([actions[rule.then], rule.keep ? keeps[rule.keep] : 0]), short(rule.prefix)];
}

function short(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
