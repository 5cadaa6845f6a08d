import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import type { StatusDocument, WhereisDocument, WhoDocument } from '#gateway/admin/api';
import type { CommandIo } from '#gateway/cli/io';
import { runProgram } from '#gateway/cli/program';
import { systemSurroundings } from '#gateway/settings/surroundings';
import { makeTempFolder } from '../../support/temp-folder.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

const where: WhereisDocument = {
  mailbox: 'ann@demo.test',
  database: 'db1',
  server: 'ex1',
  generation: 3,
  reason: 'db1 is served by ex1, generation 3',
  facts: [{ what: 'ex1 is up for imap', source: 'monitor', ageMs: 1_500 }],
  ifItDied: 'nobody, until it is back',
  protocols: ['imap', 'pop3'].map((protocol) => ({
    protocol,
    server: 'ex1',
    reason: 'db1 is served by ex1, generation 3',
    ifItDied: 'nobody, until it is back',
  })),
};

const who: WhoDocument = {
  sessions: [
    {
      session: '01000000100001',
      frontend: 'imaps',
      phase: 'spliced',
      clientAddress: '127.0.0.1:40000',
      proxyAddress: null,
      user: 'ann\u001b[31m@demo.test',
      database: 'db1',
      server: null,
      generation: null,
      localPort: 0,
      localAddress: null,
      ageMs: 3_725_000,
      idleMs: 12,
      bytesIn: 2_048,
      bytesOut: 3,
    },
  ],
  isCut: true,
};

const status: StatusDocument = {
  version: '0.1.0',
  hostname: 'mail.test',
  state: 'running',
  uptimeMs: 90_061_000,
  revision: 12,
  listeners: [{ frontend: 'imaps', address: '127.0.0.1:2993' }],
  servers: [
    {
      server: 'ex1',
      admin: 'ready',
      weight: 100,
      protocols: [
        { protocol: 'imap', address: '10.1.0.11:993', health: 'down', why: 'no greeting within 5s' },
      ],
    },
  ],
  databases: [],
  workers: [{ index: 0, state: 'up', restarts: 0, sessions: 1, queued: 0, oldestMs: 0 }],
  sources: [{ source: 'agent:ex1', ageMs: 2_000, isStale: false, problem: '' }],
  sessions: { open: 1, opened: 2, spliced: 1 },
  directory: { path: '/m', mailboxes: 3, keys: 4, problem: '' },
  problems: ['server ex1 is down for imap: no greeting within 5s'],
};

test('whereis prints the answer, the facts and their age', async () => {
  const { run, asked } = await gateway({ '/v1/whereis': where });
  expect(await run('whereis', 'ann@demo.test')).toEqual({
    code: 0,
    errors: [],
    out: [
      'mailbox     ann@demo.test',
      'database    db1',
      'generation  3',
      'server      ex1',
      'reason      db1 is served by ex1, generation 3',
      'if it died  nobody, until it is back',
      '',
      'FACT                SOURCE   AGE',
      'ex1 is up for imap  monitor  1s',
      '',
    ].join('\n'),
  });
  expect(asked).toEqual(['GET /v1/whereis?mailbox=ann%40demo.test ']);
});

test('whereis tells protocols apart where a server is down for one of them', async () => {
  const [imap, pop3] = where.protocols as [(typeof where.protocols)[0], (typeof where.protocols)[0]];
  const down = { ...pop3, server: null, reason: 'ex1 is down for pop3', ifItDied: 'nobody serves it now' };
  const sieve = { ...imap, protocol: 'sieve' };
  const { run } = await gateway({ '/v1/whereis': { ...where, protocols: [imap, down, sieve] } });
  const { out } = await run('whereis', 'ann@demo.test');
  expect(out.split('\n').slice(0, 9)).toEqual([
    'mailbox      ann@demo.test',
    'database     db1',
    'generation   3',
    'imap, sieve  ex1',
    'reason       db1 is served by ex1, generation 3',
    'if it died   nobody, until it is back',
    'pop3         nobody now',
    'reason       ex1 is down for pop3',
    'if it died   nobody serves it now',
  ]);
});

test.each(['status', 'who'])('%s --json prints the document as it came', async (command) => {
  const { run } = await gateway({ '/v1/status': status, '/v1/sessions': who });
  const { out, code } = await run(command, '--json');
  expect([JSON.parse(out), code]).toEqual([command === 'status' ? status : who, 0]);
});

test('status ends with what is wrong', async () => {
  const { run } = await gateway({ '/v1/status': status });
  const { out } = await run('status');
  expect(out).toContain('mail.test: Postern 0.1.0, running for 1d 1h, routing table 12\n');
  expect(out).toContain('ex1     ready  imap      10.1.0.11:993  down: no greeting within 5s\n');
  expect(out.endsWith('wrong:\n  server ex1 is down for imap: no greeting within 5s\n')).toBe(true);
});

test('V54: who shows what a client sent without its control characters', async () => {
  const { run, asked } = await gateway({ '/v1/sessions': who });
  const { out } = await run('who', '--user', 'ann', '--server', 'ex1', '--database', 'db1', '--limit', '1');
  expect(out).not.toContain('\u001b');
  expect(out).toContain('ann\\u001b[31m@demo.test');
  expect(out).toContain('1h 2m');
  expect(out).toContain('2.0KiB');
  expect(out).toContain('there are more');
  expect(asked).toEqual(['GET /v1/sessions?user=ann&server=ex1&database=db1&limit=1 ']);
});

test.each<[string[], string, string]>([
  [['kick', 'ann'], 'POST /v1/kick {"mailbox":"ann"}', '1 session of ann told to end\n'],
  [['kick', 'ann*owner'], 'POST /v1/kick {"mailbox":"ann*owner"}', '1 session of ann told to end\n'],
  [['drain', 'ex1'], 'POST /v1/servers/ex1/drain ', 'server ex1 is set to drain; 2 sessions on it\n'],
  [['ready', 'ex1'], 'POST /v1/servers/ex1/ready ', 'server ex1 is set to drain; 2 sessions on it\n'],
  [
    ['maintenance', 'a/b'],
    'POST /v1/servers/a%2Fb/maintenance ',
    'server ex1 is set to drain; 2 sessions on it\n',
  ],
])('%j asks %s', async (args, question, text) => {
  const answer = { server: 'ex1', admin: 'drain', sessions: 2 };
  const { run, asked } = await gateway({ '/v1/kick': { mailbox: 'ann', ended: 1 }, '/v1/servers': answer });
  expect(await run(...args)).toEqual({ code: 0, errors: [], out: text });
  expect(asked).toEqual([question]);
});

test("a refusal is the gateway's sentence, exit code 1", async () => {
  const { run } = await gateway({});
  expect(await run('drain', 'ex9')).toEqual({ code: 1, errors: ['there is no such thing'], out: '' });
});

test('no gateway: one sentence that names the socket, exit code 1', async () => {
  const path = join(await makeTempFolder('cli'), 'none.sock');
  const { code, errors } = await command({ POSTERN_ADMIN_SOCKET: path }, ['status']);
  expect([code, errors]).toEqual([1, [`no gateway answers on ${path}; is it running?`]]);
});

test.each<[string, string[], string]>([
  ['an unknown command', ['whereabouts'], "unknown command 'whereabouts'"],
  ['an unknown option', ['status', '--jsn'], "unknown option '--jsn'"],
  ['a missing mailbox', ['whereis'], "missing required argument 'mailbox'"],
  ['too much', ['kick', 'ann', 'bob'], 'too many arguments'],
])('%s is a usage error: exit code 2', async (_, args, words) => {
  const { code, errors } = await command({}, args);
  expect([code, errors.join('\n')]).toEqual([2, expect.stringContaining(words)]);
});

test.each(['--help', '--version'])('%s is no error', async (option) => {
  expect((await command({}, [option])).code).toBe(0);
});

test.each<[Record<string, string>, string]>([
  [{}, 'demo'],
  [{ POSTERN_SERVERS: '' }, 'demo'],
  [{ POSTERN_TOPOLOGY_PATH: '/etc/postern/topology' }, 'demo'],
  [{ POSTERN_SERVERS: 'ex1' }, 'run'],
  [{ POSTERN_SERVERS_FILE: '/etc/postern/servers' }, 'run'],
  [{ POSTERN_ENV_PATH: '/etc/postern/env' }, 'run'],
])('start with %j is %s', async (env, expected) => {
  expect((await command(env, ['start'])).started).toEqual([expected]);
});

test('check names every problem, masks secrets and exits 78', async () => {
  const env = {
    POSTERN_SERVERS: 'ex1',
    POSTERN_AGENT_KEY: 'canary-agent-key-0123456789',
    POSTERN_SERVRES: 'x',
  };
  const { code, out } = await command(env, ['check', '--all']);
  expect(code).toBe(78);
  expect(out).toMatch(/POSTERN_SERVRES .*POSTERN_SERVERS/);
  expect(out).toMatch(/POSTERN_SERVER_EX1_ADDRESS is not set/);
  expect(out).not.toContain('canary');
  const { out: json } = await command(env, ['check', '--json']);
  expect(json).not.toContain('canary');
  expect((JSON.parse(json) as { problems: unknown[] }).problems.length).toBeGreaterThan(2);
});

test('the command itself: run with bad settings prints each problem and exits 78', async () => {
  const args = ['--conditions=source', '--import', 'tsx', entry, 'run'];
  const env = { PATH: process.env['PATH'], POSTERN_SERVERS: 'ex1', POSTERN_SERVRES: 'x' };
  const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) =>
    execFile(process.execPath, args, { env }, (error, _out, text) =>
      resolve({ code: error?.code, stderr: text }),
    ),
  );
  expect(code).toBe(78);
  expect(stderr).toMatch(/^POSTERN_SERVRES /m);
  expect(stderr).toMatch(/^POSTERN_SERVER_EX1_ADDRESS is not set/m);
}, 30_000);

// V53: worker threads and child processes get a copy of process.env.
test.each(['run', 'demo'])(
  '%s keeps secrets out of the environment that threads inherit',
  async (name) => {
    const folder = await makeTempFolder('cli-env');
    const atExit = `process.on('exit', () => console.error('left:', Object.keys(process.env)))`;
    const watch = `data:text/javascript,${atExit}`;
    const args = ['--conditions=source', '--import', 'tsx', '--import', watch, entry, name];
    const env = {
      PATH: process.env['PATH'],
      TMPDIR: folder,
      // Each is read, since each is found to be wrong.
      POSTERN_AGENT_KEY: 'short',
      POSTERN_TLS_KEY: 'canary',
      POSTERN_PROBE_ACCOUNTS: 'canary',
      POSTERN_LOG_LEVEL: 'loud',
    };
    const stderr = await new Promise<string>((resolve) =>
      execFile(process.execPath, args, { env }, (_error, _out, text) => resolve(text)),
    );
    expect(stderr).toMatch(/^POSTERN_AGENT_KEY has 5 characters/m);
    expect(stderr).toMatch(/^POSTERN_PROBE_ACCOUNTS has no database/m);
    expect(stderr).not.toContain('canary');
    const left = stderr.slice(stderr.lastIndexOf('left:'));
    expect(left).toContain('POSTERN_LOG_LEVEL');
    expect(left).not.toMatch(/POSTERN_(AGENT_KEY|TLS_KEY|PROBE_ACCOUNTS)/);
  },
  60_000,
);

const entry = new URL('../../../gateway/cli/postern.ts', import.meta.url).pathname;

/** A fake admin server that answers each path's beginning with its document; 404 for others. */
async function gateway(documents: Record<string, unknown>) {
  const path = join(await makeTempFolder('cli'), 'admin.sock');
  const asked: string[] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      asked.push(`${request.method} ${request.url} ${body}`);
      const found = Object.entries(documents).find(([start]) => request.url?.startsWith(start));
      response.statusCode = found === undefined ? 404 : 200;
      response.end(JSON.stringify(found?.[1] ?? { error: 'there is no such thing' }));
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  closers.push(() => server.close());
  const run = async (...args: string[]) => {
    const { code, errors, out } = await command({ POSTERN_ADMIN_SOCKET: path }, args);
    return { code, errors, out };
  };
  return { run, asked };
}

async function command(env: Record<string, string>, args: string[]) {
  const seen = { code: 0, out: '', errors: [] as string[], started: [] as string[] };
  const io: CommandIo = {
    env,
    uid: process.getuid?.() ?? 0,
    temporaryFolder: '/nowhere',
    print: (text) => void (seen.out += text),
    complain: (sentence) => void seen.errors.push(sentence),
    setExitCode: (code) => void (seen.code = code),
  };
  const start = (name: string) => async () => void seen.started.push(name);
  await runProgram(
    {
      io,
      version: '0.1.0',
      surroundings: systemSurroundings,
      run: start('run'),
      demo: start('demo'),
      doctor: start('doctor'),
      addLab: () => {},
    },
    args,
  );
  return seen;
}
