/**
 * The script that makes a server connection stand where the client believes it stands: at most 20 linear
 * steps, written by a front, played by the engine without JavaScript. Monitors use the same scripts, without
 * a client, as probes.
 *
 * Here are the steps and their encoding; `native/crates/wire/src/script.rs` decodes and judges.
 */

/** One step. `unlessFinalHas`: the step is skipped when the line kept as final contains this text. */
export type Step =
  | { readonly step: 'send'; readonly bytes: string; readonly unlessFinalHas?: string }
  | {
      readonly step: 'expect';
      readonly rules: readonly Rule[];
      readonly timeoutMs: number;
      readonly unlessFinalHas?: string;
    }
  /** The connection turns to TLS as the endpoint's policy says. Bytes that came before end the session. */
  | { readonly step: 'startTls' }
  /** Lets time go by, at most ten seconds: for probes that stand beside one another. */
  | { readonly step: 'pause'; readonly ms: number };

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

/** Submission with STARTTLS, XCLIENT and a LOGIN has 18. */
export const scriptStepsMax = 20;
/** A login's secrets (64 KiB of SASL) and what stands around them. */
export const scriptBytesMax = 96 * 1024;

const kinds = { send: 1, expect: 2, startTls: 3, pause: 4 } as const;
const actions = { accept: 1, refuse: 2, fail: 3, skip: 4 } as const;
const keeps = { before: 1, final: 2 } as const;

/**
 * Writes the steps as the engine reads them; strings are latin-1, one byte a character.
 *
 *   script := count:u8 step*
 *   step   := kind:u8 unless:short ( send: length:u32le bytes
 *                                  | expect: timeoutMs:u32le count:u8 rule*
 *                                  | startTls: nothing
 *                                  | pause: ms:u32le )
 *   rule   := action:u8 keep:u8 prefix:short
 *   short  := length:u8 bytes
 */
export function encodeScript(steps: readonly Step[]): Uint8Array {
  // One allocation of the exact size: a login pays for it on its way, and no pooled buffer keeps its secrets.
  const bytes = Buffer.alloc(steps.reduce((sum, step) => sum + stepLength(step), 1));
  let at = bytes.writeUInt8(steps.length, 0);
  for (const step of steps) at = writeStep(bytes, at, step);
  return bytes;
}

/** kind, short, and behind them what the kind has. */
function stepLength(step: Step): number {
  switch (step.step) {
    case 'send':
      return 2 + (step.unlessFinalHas ?? '').length + 4 + step.bytes.length;
    case 'expect': {
      const rules = step.rules.reduce((sum, { prefix }) => sum + 3 + prefix.length, 0);
      return 2 + (step.unlessFinalHas ?? '').length + 4 + 1 + rules;
    }
    case 'startTls':
      return 2;
    case 'pause':
      return 2 + 4;
  }
}

function writeStep(bytes: Buffer, start: number, step: Step): number {
  let at = bytes.writeUInt8(kinds[step.step], start);
  switch (step.step) {
    case 'send':
      at = writeShort(bytes, at, step.unlessFinalHas ?? '');
      at = bytes.writeUInt32LE(step.bytes.length, at);
      return at + bytes.write(step.bytes, at, 'latin1');
    case 'expect':
      at = writeShort(bytes, at, step.unlessFinalHas ?? '');
      at = bytes.writeUInt32LE(step.timeoutMs, at);
      at = bytes.writeUInt8(step.rules.length, at);
      for (const rule of step.rules) at = writeRule(bytes, at, rule);
      return at;
    case 'startTls':
      return writeShort(bytes, at, '');
    case 'pause':
      return bytes.writeUInt32LE(step.ms, writeShort(bytes, at, ''));
  }
}

function writeRule(bytes: Buffer, start: number, rule: Rule): number {
  let at = bytes.writeUInt8(actions[rule.then], start);
  at = bytes.writeUInt8(rule.keep ? keeps[rule.keep] : 0, at);
  return writeShort(bytes, at, rule.prefix);
}

function writeShort(bytes: Buffer, start: number, text: string): number {
  const at = bytes.writeUInt8(text.length, start);
  return at + bytes.write(text, at, 'latin1');
}
