/** Cuts what an IMAP client says into commands with their literals, as a server reads it. */

export interface CommandReader {
  /** Takes bytes in; gives each whole command, literals in place, and asks for those that wait. */
  take(text: string): void;
}

/** `onInvite`: a literal waits for leave. */
export function createCommandReader(
  onCommand: (command: string) => void,
  onInvite: () => void,
): CommandReader {
  let buffer = '';
  let command = '';
  let literalLeft = 0;

  function step(): boolean {
    if (literalLeft > 0) {
      if (buffer.length < literalLeft) return false;
      command += buffer.slice(0, literalLeft);
      buffer = buffer.slice(literalLeft);
      literalLeft = 0;
      return true;
    }
    const end = buffer.indexOf('\r\n');
    if (end < 0) return false;
    const line = buffer.slice(0, end);
    buffer = buffer.slice(end + 2);
    const announced = /\{(\d+)(\+?)\}$/.exec(line);
    command += announced === null ? line : line.slice(0, announced.index);
    if (announced !== null) {
      literalLeft = Number(announced[1]);
      if (announced[2] === '') onInvite();
      return true;
    }
    const whole = command;
    command = '';
    onCommand(whole);
    return true;
  }

  return {
    take(text) {
      buffer += text;
      while (step());
    },
  };
}
