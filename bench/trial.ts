/** One session of each protocol that a subject offers: whether it works at all, before it is measured. */
import { type LoadTool, clientWords, runLoad } from './load-tool.ts';
import type { Ports } from './subject.ts';

/** What went wrong first, in the generator's words; undefined: every session ran to its end. */
export async function tryLogins(tool: LoadTool, ports: Ports): Promise<string | undefined> {
  for (const { command, port } of trialsOf(ports)) {
    const words = clientWords(tool, port, { sessions: 1, parallel: 1, seconds: 10 });
    const trial = await runLoad(tool, { command, words });
    if (trial.done !== 1) return `${command}: ${trial.first_error}`;
  }
  return undefined;
}

interface Trial {
  readonly command: string;
  readonly port: number;
}

function trialsOf({ imaps, pop3s, submissions }: Ports): readonly Trial[] {
  const all = [
    { command: 'imap-login', port: imaps },
    { command: 'pop3-login', port: pop3s },
    { command: 'submission', port: submissions },
  ];
  return all.filter((trial): trial is Trial => trial.port !== undefined);
}
