/**
 * The log: JSON lines, one a session and one an edge. Every text field is made harmless and short
 * (safe-text.ts). A slow reader never blocks the gateway: lines beyond the buffer are dropped and counted.
 *
 * It decides nothing about what is worth a line.
 */
import { pino } from 'pino';
import type { DestinationStream } from 'pino';
import { safeText } from './safe-text.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Undefined fields are left out. Secrets have no place here: a Secret shows as `***`. */
export type LogFields = Readonly<Record<string, LogValue>>;
export type LogValue = string | number | boolean | undefined;

export interface Log {
  debug(text: string, fields?: LogFields): void;
  info(text: string, fields?: LogFields): void;
  warn(text: string, fields?: LogFields): void;
  error(text: string, fields?: LogFields): void;
  /** The one line of a session that has ended. */
  session(fields: LogFields): void;
  /** Lines lost since the start because the reader of the log was too slow, or gone. */
  dropped(): number;
  /** Resolves when what was logged is written, or can't be. Give it a deadline: the reader may be stuck. */
  flush(): Promise<void>;
  /** Gives up what is not written yet: else it is tried for ever, and the process does not end. */
  close(): void;
}

/** Where lines go. `open` of a file or pipe is openLogStream; tests give an array's push. */
export interface LogStream extends DestinationStream {
  dropped(): number;
  flush(): Promise<void>;
  close(): void;
}

/** A log of lines at `level` and above. */
export function openLog({ level, stream }: { level: LogLevel; stream: LogStream }): Log {
  const lines = pino({ ...lineShape, level }, stream);
  const write = (at: LogLevel, text: string, fields: LogFields = {}): void => {
    lines[at](safeFields(fields), safeText(text, messageBytesMax));
  };
  return {
    debug: (text, fields) => write('debug', text, fields),
    info: (text, fields) => write('info', text, fields),
    warn: (text, fields) => write('warn', text, fields),
    error: (text, fields) => write('error', text, fields),
    session: (fields) => write('info', 'session ended', { event: 'session', ...fields }),
    dropped: () => stream.dropped(),
    flush: () => stream.flush(),
    close: () => stream.close(),
  };
}

/** A stream to a file descriptor, 1 by default, that buffers at most `bufferBytesMax` characters. */
export function openLogStream({
  fd = 1,
  bufferBytesMax = streamBufferMax,
}: LogStreamOptions = {}): LogStream {
  let lost = 0;
  let isOver = false;
  // minLength 1 writes each line at once, as 0 does, but only with it does flush wait for what is under way.
  const out = pino.destination({ dest: fd, sync: false, minLength: 1, maxLength: bufferBytesMax });
  out.on('drop', () => lost++);
  // The reader has gone (EPIPE) or the disk is full: the sessions matter more than their log.
  out.on('error', (error: unknown) => {
    lost++;
    // A reader that has gone does not come back, and pino takes no line any more.
    isOver ||= error instanceof Error && 'code' in error && error.code === 'EPIPE';
  });
  return {
    write: (line) => void (isOver ? lost++ : out.write(line)),
    dropped: () => lost,
    flush: () => new Promise((resolve) => (isOver ? resolve() : out.flush(() => resolve()))),
    close: () => {
      isOver = true;
      out.destroy();
    },
  };
}

export interface LogStreamOptions {
  readonly fd?: number;
  readonly bufferBytesMax?: number;
}

function safeFields(fields: LogFields): Record<string, LogValue> {
  const safe: Record<string, LogValue> = {};
  for (const [name, value] of Object.entries(fields)) {
    safe[name] = typeof value === 'string' ? safeText(value) : value;
  }
  return safe;
}

const lineShape = {
  base: null,
  messageKey: 'text',
  timestamp: pino.stdTimeFunctions.isoTime,
  formatters: { level: (label: string) => ({ level: label }) },
};

/** Our own sentences, with names of servers and words of servers in them. */
const messageBytesMax = 1024;
/** About 10,000 session lines: some seconds of a log reader that restarts. */
const streamBufferMax = 4 * 1024 * 1024;
