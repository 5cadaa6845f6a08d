/** A log that keeps its lines for the test to read. */
import type { Log, LogFields } from '#lib/log';

export interface RecordingLog extends Log {
  /** "warn: text {fields}" each, in order. */
  readonly lines: string[];
  readonly sessions: LogFields[];
}

export function recordingLog(): RecordingLog {
  const lines: string[] = [];
  const sessions: LogFields[] = [];
  const keep =
    (level: string) =>
    (text: string, fields: LogFields = {}): void =>
      void lines.push(`${level}: ${text} ${JSON.stringify(fields)}`);
  return {
    lines,
    sessions,
    debug: keep('debug'),
    info: keep('info'),
    warn: keep('warn'),
    error: keep('error'),
    session: (fields) => void sessions.push(fields),
    dropped: () => 0,
    flush: () => Promise.resolve(),
    close: () => undefined,
  };
}
