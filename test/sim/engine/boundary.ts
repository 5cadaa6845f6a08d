/**
 * Where in a server's answers a word of ours may stand: between two lines, and not within a literal. Reads
 * the grammar, so it is right also where a message's text looks like an answer.
 */

export interface Boundary {
  /** Takes bytes in; gives the lines that began outside any literal and are whole now. */
  saw(text: string): string[];
  isSafe(): boolean;
}

export function createBoundary(): Boundary {
  /** The line so far. A response goes on behind its literal: a dot stands for what came before that. */
  let line = '';
  let literalLeft = 0;
  return {
    saw(text) {
      const lines: string[] = [];
      let rest = text;
      while (rest !== '') {
        if (literalLeft > 0) {
          const taken = Math.min(literalLeft, rest.length);
          literalLeft -= taken;
          rest = rest.slice(taken);
          continue;
        }
        const end = rest.indexOf('\n');
        line += end < 0 ? rest : rest.slice(0, end + 1);
        rest = end < 0 ? '' : rest.slice(end + 1);
        if (end < 0) break;
        const announced = /\{(\d+)\+?\}\r?\n$/.exec(line);
        literalLeft = Number(announced?.[1] ?? 0);
        if (!line.startsWith('.')) lines.push(line.trimEnd());
        line = announced === null ? '' : '.';
      }
      return lines;
    },
    isSafe: () => line === '' && literalLeft === 0,
  };
}
