/** A real HAProxy before the gateway, which sends PROXY headers and checks with them. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startChild } from './child.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './ports.ts';
import { programPath } from './programs.ts';
import { connectRaw } from './raw-connection.ts';
import { makeTempFolder, removeTempFolder } from './temp-folder.ts';

export interface Haproxy {
  /** By its word for the header: a port of 127.0.0.1 that leads to the gateway's. */
  readonly ports: Readonly<Record<HeaderWord, number>>;
  close(): Promise<void>;
}

/** As `server` lines of its configuration have them. */
export type HeaderWord = 'send-proxy' | 'send-proxy-v2';

export const hasHaproxy = programPath('haproxy') !== undefined;

/** Blind TCP to `port`, once with each version of the header. */
export async function startHaproxy(port: number): Promise<Haproxy> {
  const folder = await makeTempFolder('haproxy');
  const [v1 = 0, v2 = 0] = await freePorts(2);
  const ports = { 'send-proxy': v1, 'send-proxy-v2': v2 };
  const path = join(folder, 'haproxy.cfg');
  await writeFile(path, configuration(ports, port));
  const child = await startChild('haproxy', ['-f', path, '-db']);
  await eventually('HAProxy takes connections', async () => {
    for (const each of Object.values(ports)) (await connectRaw({ port: each })).destroy();
    return true;
  });
  return {
    ports,
    close: async () => {
      await child.stop();
      removeTempFolder(folder);
    },
  };
}

function configuration(ports: Haproxy['ports'], to: number): string {
  const listen = ([word, port]: [string, number]) => `
listen ${word}
  bind 127.0.0.1:${port}
  server gateway 127.0.0.1:${to} ${word} check inter 500ms`;
  return `
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
${Object.entries(ports).map(listen).join('\n')}
`;
}
