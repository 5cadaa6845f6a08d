import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, request } from 'node:http';
import { request as requestTls } from 'node:https';
import { connect, createServer as createRawServer } from 'node:net';
import { dirname, join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { afterEach, expect, test } from 'vitest';
import { openAgentListener } from '#gateway/admin/agent-listener';
import { type AdminClient, findGateway } from '#gateway/admin/client';
import { limits } from '#gateway/admin/limits';
import { openSocket } from '#gateway/admin/open-socket';
import { type AdminParts, buildAdminServer } from '#gateway/admin/routes';
import { makeAuthority } from '../../support/certificates.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { makeTempFolder } from '../../support/temp-folder.ts';

const uid = process.getuid?.() ?? 0;
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

test('what a client asks over the socket reaches the part, and its answer comes back', async () => {
  const { client, calls } = await serve();
  expect(await client.get('/v1/status')).toEqual({ is: 'answered', document: { state: 'running' } });
  expect(await client.get('/v1/whereis?mailbox=ann%40demo.test')).toMatchObject({ is: 'answered' });
  expect(await client.get('/v1/sessions?server=ex1&limit=5')).toMatchObject({ is: 'answered' });
  expect(await client.post('/v1/kick', { mailbox: 'ann' })).toMatchObject({ document: { ended: 2 } });
  expect(await client.post('/v1/servers/ex1/drain')).toMatchObject({ document: { admin: 'drain' } });
  expect(calls).toEqual([
    'status',
    'whereis ann@demo.test',
    'who {"server":"ex1","limit":5}',
    'kick ann',
    'setAdmin ex1 drain',
  ]);
});

test.each<[string, 'GET' | 'POST', string, object | undefined, RegExp]>([
  ['no mailbox', 'GET', '/v1/whereis', undefined, /required property 'mailbox'/],
  ['an empty mailbox', 'GET', '/v1/whereis?mailbox=', undefined, /fewer than 1/],
  [
    'a mailbox one character too long',
    'GET',
    `/v1/whereis?mailbox=${'a'.repeat(513)}`,
    undefined,
    /more than 512/,
  ],
  ['a limit of none', 'GET', '/v1/sessions?limit=0', undefined, />= 1/],
  ['a limit over all', 'GET', '/v1/sessions?limit=100001', undefined, /<= 100000/],
  ['a part that says no', 'GET', '/v1/sessions?server=ex9', undefined, /there is no server ex9/],
  ['a kick without a name', 'POST', '/v1/kick', {}, /required property 'mailbox'/],
  ['a server that there is not', 'POST', '/v1/servers/ex9/drain', undefined, /there is no server ex9/],
  ['a state that there is not', 'POST', '/v1/servers/ex1/gone', undefined, /there is no POST/],
  ['a route that there is not', 'GET', '/v1/nothing', undefined, /there is no GET \/v1\/nothing/],
  ['a body over the limit', 'POST', '/v1/kick', { mailbox: 'a'.repeat(limits.bodyBytesMax) }, /too large/],
])('refused in words: %s', async (_, method, path, body, words) => {
  const { client } = await serve();
  const answer = await (method === 'GET' ? client.get(path) : client.post(path, body));
  expect(answer).toMatchObject({ is: 'refused', words: expect.stringMatching(words) });
});

test('the longest mailbox name is taken', async () => {
  const { client } = await serve();
  expect(await client.get(`/v1/whereis?mailbox=${'a'.repeat(512)}`)).toMatchObject({ is: 'answered' });
});

test('a part that fails gives words without its own, and a line in the log', async () => {
  const { client, log } = await serve({
    status: () => {
      throw new Error('a secret detail');
    },
  });
  const answer = await client.get('/v1/status');
  expect(answer).toEqual({ is: 'refused', words: 'the gateway failed to answer; its log says why' });
  expect(log.lines.join()).toContain('a secret detail');
});

test.each([{ origin: 'http://evil.test' }, { 'sec-fetch-site': 'cross-site' }])(
  'V52: a request from a web page is refused: %o',
  async (headers) => {
    const { path } = await serve();
    expect(await raw(path, { headers, url: '/v1/status' })).toMatchObject({ status: 403 });
  },
);

test.each<[string, string | undefined, number]>([
  ['no key', undefined, 401],
  ['a wrong key', 'Bearer other', 401],
  ['half a key', 'Bearer secre', 401],
  ['another scheme', 'Basic secret', 401],
  ['the key', 'Bearer secret', 200],
])('the feed on the admin socket with %s', async (_, authorization, status) => {
  const { path, calls } = await serve();
  const headers = authorization === undefined ? {} : { authorization };
  expect((await raw(path, { url: '/v1/agent', method: 'POST', headers, body: '{"seq":1}' })).status).toBe(
    status,
  );
  expect(calls).toEqual(status === 200 ? ['receive {"seq":1}'] : []);
});

test('without POSTERN_AGENT_KEY the socket alone protects the feed', async () => {
  const { path } = await serve({}, null);
  expect((await raw(path, { url: '/v1/agent', method: 'POST', body: '{}' })).status).toBe(200);
});

test.each<[string, string, number]>([
  ['at its limit', 'x'.repeat(64), 200],
  ['one byte over it', 'x'.repeat(65), 413],
  ['that the source refuses', 'bad', 400],
])('an agent document %s', async (_, body, status) => {
  const { path } = await serve();
  const headers = { authorization: 'Bearer secret' };
  expect((await raw(path, { url: '/v1/agent', method: 'POST', headers, body })).status).toBe(status);
});

test('healthz says why a gateway should get no clients', async () => {
  const { client } = await serve({ unhealthyWhy: () => 'the gateway is stopping' });
  expect(await client.get('/healthz')).toEqual({ is: 'refused', words: 'the gateway is stopping' });
});

test('the socket is for its owner and group, its new folder for its owner alone', async () => {
  const folder = join(await makeTempFolder('adm'), 'own');
  const { path } = await serve({}, secretKey, join(folder, 'admin.sock'));
  expect((statSync(path).mode & 0o777).toString(8)).toBe('660');
  expect((statSync(folder).mode & 0o777).toString(8)).toBe('700');
});

test('a socket that a dead process left is replaced, one of a living process never', async () => {
  const path = join(await makeTempFolder('adm'), 'admin.sock');
  await leaveDeadSocket(path);
  expect(existsSync(path)).toBe(true);
  const first = await serve({}, secretKey, path);
  expect(await openSocket(createServer(), path, uid)).toMatch(/another gateway already answers/);
  expect(await first.client.get('/v1/status')).toMatchObject({ is: 'answered' });
});

test.each<[string, (folder: string) => void, RegExp]>([
  ['open to all', (folder) => (mkdirSync(folder), chmodSync(folder, 0o777)), /others may write/],
  ['a link', (folder) => symlinkSync('/var', folder), /is not a folder/],
  ['a file', (folder) => writeFileSync(folder, ''), /is not a folder/],
])(
  'in a folder for everyone, a folder that is %s is trusted neither by server nor by client',
  async (_, make, words) => {
    const shared = join(await makeTempFolder('adm'), 'tmp');
    mkdirSync(shared);
    chmodSync(shared, 0o1777);
    const path = join(shared, 'postern-1', 'admin.sock');
    make(dirname(path));
    expect(await openSocket(createServer(), path, uid)).toMatch(words);
    expect(await findGateway([path], uid)).toMatch(words);
  },
);

test("another user's folder is not trusted", async () => {
  const shared = join(await makeTempFolder('adm'), 'tmp');
  mkdirSync(join(shared, 'postern-1'), { recursive: true, mode: 0o700 });
  chmodSync(shared, 0o1777);
  expect(await findGateway([join(shared, 'postern-1', 'admin.sock')], uid + 1)).toMatch(
    /belongs to another user/,
  );
});

test('a path that no socket can have is refused in words', async () => {
  const folder = await makeTempFolder('adm');
  const path = join(folder, 'x'.repeat(108 - folder.length - 1));
  expect(Buffer.byteLength(path)).toBe(108);
  expect(await openSocket(createServer(), path, uid)).toMatch(/longer than 107 bytes/);
});

test('the client takes the first place that answers, and names all where none does', async () => {
  const folder = await makeTempFolder('adm');
  const { path } = await serve({}, secretKey, join(folder, 'b.sock'));
  await leaveDeadSocket(join(folder, 'a.sock'));
  expect(await findGateway([join(folder, 'a.sock'), path], uid)).toMatchObject({ socket: path });
  expect(await findGateway(['/none/a', '/none/b', '/none/c'], uid)).toBe(
    'no gateway answers on /none/a, /none/b or /none/c; is it running?',
  );
});

test('what is no gateway is told so', async () => {
  const path = join(await makeTempFolder('adm'), 'other.sock');
  const other = createServer((_request, response) => response.end('hello')).listen(path);
  closers.push(() => other.close());
  const client = (await findGateway([path], uid)) as AdminClient;
  expect(await client.get('/v1/status')).toMatchObject({ is: 'unreachable', words: /not a Postern gateway/ });
});

test('the listener for agents has the feed alone, over TLS but on loopback addresses', async () => {
  const log = recordingLog();
  const agent = { ...agentParts([], secretKey), key: secretKey };
  const opened = await openAgentListener({
    listen: { host: '127.0.0.1', port: 0 },
    certificate: noCertificate,
    agent,
    log,
  });
  if (typeof opened === 'string') throw new Error(opened);
  closers.push(() => opened.close());
  expect(opened.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  const post = (path: string, headers: Record<string, string>): Promise<Response> =>
    fetch(`${opened.url}${path}`, { method: 'POST', body: '{}', headers });
  expect((await post('/v1/agent', { authorization: 'Bearer secret' })).status).toBe(200);
  expect((await post('/v1/agent', {})).status).toBe(401);
  expect((await post('/v1/kick', { authorization: 'Bearer secret' })).status).toBe(404);
  const port = Number(new URL(opened.url).port);
  const second = await openAgentListener({
    listen: { host: '127.0.0.1', port },
    certificate: noCertificate,
    agent,
    log,
  });
  expect(second).toMatch(/can't listen for agents on 127\.0\.0\.1:\d+/);
});

test('agents from elsewhere are heard over TLS only, and a renewed certificate is served', async () => {
  const authority = await makeAuthority(await makeTempFolder('adm'));
  const read = async (name: string) => {
    const { certificatePath, keyPath } = await authority.issue(name, [name, 'localhost']);
    return { certificatePem: readFileSync(certificatePath, 'utf8'), keyPem: readFileSync(keyPath, 'utf8') };
  };
  const opened = await openAgentListener({
    listen: { host: '0.0.0.0', port: 0 },
    certificate: await read('first'),
    agent: { ...agentParts([], secretKey), key: secretKey },
    log: recordingLog(),
  });
  if (typeof opened === 'string') throw new Error(opened);
  closers.push(() => opened.close());
  const port = Number(new URL(opened.url).port);
  expect(opened.url).toMatch(/^https:/);
  await expect(fetch(`http://127.0.0.1:${port}/v1/agent`, { method: 'POST' })).rejects.toThrow(
    /fetch failed/,
  );
  expect(await feedOverTls(port, authority.caPem)).toEqual({ status: 200, subject: 'first' });
  expect(() => opened.setCertificate({ certificatePem: 'no', keyPem: 'no' })).toThrow(/PEM|certificate/i);
  expect(await feedOverTls(port, authority.caPem)).toEqual({ status: 200, subject: 'first' });
  opened.setCertificate(await read('second'));
  expect(await feedOverTls(port, authority.caPem)).toEqual({ status: 200, subject: 'second' });
});

const noCertificate = { certificatePem: '', keyPem: '' };
const secretKey = { reveal: () => 'secret' };

function agentParts(calls: string[], key: typeof secretKey | undefined) {
  const receive = (body: string) => {
    calls.push(`receive ${body}`);
    return body === 'bad' ? { problem: 'no schema' } : { notes: [] };
  };
  return { key, bodyBytesMax: 64, receive };
}

async function serve(over: Partial<AdminParts> = {}, key: typeof secretKey | null = secretKey, at?: string) {
  const path = at ?? join(await makeTempFolder('adm'), 'admin.sock');
  const calls: string[] = [];
  const log = recordingLog();
  const agent = agentParts(calls, key ?? undefined);
  const app: FastifyInstance = buildAdminServer({ admin: { ...fakeParts(calls), ...over }, agent, log });
  await app.ready();
  const opened = await openSocket(app.server, path, uid);
  if (typeof opened === 'string') throw new Error(opened);
  closers.push(() => app.close());
  const client = (await findGateway([path], uid)) as AdminClient;
  return { path, client, calls, log };
}

function fakeParts(calls: string[]): AdminParts {
  const unknown = (server: string): string => `there is no server ${server}`;
  return {
    status: () => (calls.push('status'), { state: 'running' } as never),
    whereis: (mailbox) => (calls.push(`whereis ${mailbox}`), { mailbox } as never),
    who: async (filter) => {
      calls.push(`who ${JSON.stringify(filter)}`);
      return filter.server === 'ex9' ? unknown('ex9') : { sessions: [], isCut: false };
    },
    kick: async (mailbox) => (calls.push(`kick ${mailbox}`), { mailbox, ended: 2 }),
    setAdmin: async (server, admin) => {
      calls.push(`setAdmin ${server} ${admin}`);
      return server === 'ex9' ? unknown('ex9') : { server, admin, sessions: 0 };
    },
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    unhealthyWhy: () => undefined,
  };
}

interface RawRequest {
  readonly url: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

function raw(
  socketPath: string,
  { url, method = 'GET', headers = {}, body }: RawRequest,
): Promise<{ status: number }> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path: url, method, headers }, (response) => {
      response.resume().once('end', () => resolve({ status: response.statusCode ?? 0 }));
    });
    asked.once('error', reject).end(body);
  });
}

function feedOverTls(port: number, ca: string): Promise<{ status: number; subject: string }> {
  const headers = { authorization: 'Bearer secret' };
  return new Promise((resolve, reject) => {
    const options = {
      port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca,
      path: '/v1/agent',
      method: 'POST',
      headers,
      agent: false,
    };
    const asked = requestTls(options as never, (response) => {
      const { subject } = (response.socket as TLSSocket).getPeerCertificate();
      response
        .resume()
        .once('end', () => resolve({ status: response.statusCode ?? 0, subject: String(subject.CN) }));
    });
    asked.once('error', reject).end('{}');
  });
}

/**
 * What kill -9 leaves: a socket file that nobody listens on. A copy of the name keeps it when the server
 * goes.
 */
async function leaveDeadSocket(path: string): Promise<void> {
  const server = createRawServer();
  await new Promise<void>((resolve) => server.listen(`${path}.0`, resolve));
  linkSync(`${path}.0`, path);
  await new Promise((resolve) => server.close(resolve));
  await new Promise<void>((resolve) => connect(path).once('error', () => resolve()));
}
