/** The demo as a user starts it, on free ports, in a folder of its own. */
import { join } from 'node:path';
import { type Child, type Ended, runChild, startChild } from './child.ts';
import { eventually } from './eventually.ts';
import { posternPath } from './gateway.ts';
import type { RawAddress } from './raw-connection.ts';
import { makeTempFolder, removeTempFolder } from './temp-folder.ts';

const frontends = ['imaps', 'imap', 'pop3s', 'pop3', 'submissions', 'submission', 'managesieve'] as const;
export type Frontend = (typeof frontends)[number];

/** The demo's own certificate is made at each start: clients take it as it comes. */
export const anyCertificate = { rejectUnauthorized: false, servername: 'localhost' };

export interface Demo {
  /** With TLS where the door has it from the first byte. */
  door(frontend: Frontend): RawAddress;
  /** All that it has printed. */
  text(): string;
  /** The `postern` command beside it. */
  postern(...args: string[]): Promise<Ended>;
  /** Ctrl-C. */
  stop(): Promise<Ended>;
}

/** Settles when it says what to try; rejects with its words when it does not start. */
export async function startDemo(settings: Readonly<Record<string, string>> = {}): Promise<Demo> {
  const folder = await makeTempFolder('demo');
  const env = {
    POSTERN_LAB_SOCKET: join(folder, 'lab.sock'),
    POSTERN_ADMIN_SOCKET: join(folder, 'admin.sock'),
    ...Object.fromEntries(frontends.map((name) => [`POSTERN_${name.toUpperCase()}_PORT`, '0'])),
    ...settings,
  };
  const child = await startChild(process.execPath, [posternPath, 'demo'], { env });
  await eventually(
    'the demo says what to try',
    () => {
      if (!child.isRunning()) throw new Error(`the demo ended: ${child.stderr()}${child.stdout()}`);
      return child.stdout().includes('Ctrl-C');
    },
    { withinMs: 30_000 },
  );
  return demoOf(child, env, folder);
}

function demoOf(child: Child, env: Record<string, string>, folder: string): Demo {
  return {
    door(frontend) {
      const port = Number(new RegExp(`^ {2}${frontend} +(\\d+) `, 'm').exec(child.stdout())?.[1]);
      if (Number.isNaN(port)) throw new Error(`no door ${frontend} in ${child.stdout()}`);
      return { port, ...(frontend.endsWith('s') ? { tls: anyCertificate } : {}) };
    },
    text: child.stdout,
    postern: (...args) => runChild(process.execPath, [posternPath, ...args], { env }),
    async stop() {
      child.signal('SIGINT');
      const ended = await child.stop();
      removeTempFolder(folder);
      return ended;
    },
  };
}
