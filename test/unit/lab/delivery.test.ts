/** A submitted message on its way to the active copy: which server takes it, and what if none does. */
import { type Server, createServer } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { receiveMail } from '#gateway/lab/delivery/receiver';
import { type Deliver, deliverWithinMs, sendMail } from '#gateway/lab/delivery/sender';
import { LabHost } from '#gateway/lab/host';
import { traceFields } from '#gateway/lab/submission/trace-fields';
import { makeTempFolder, removeTempFolder } from '../../support/temp-folder.ts';

const ann = 'ann@demo.test';
const message = Buffer.from('Subject: hello\r\n\r\n{3}\r\nyes\r\n');
const servers: Server[] = [];
let folder: string;

beforeAll(async () => void (folder = await makeTempFolder('mail')));
afterAll(() => {
  for (const server of servers) server.close();
  removeTempFolder(folder);
});

async function peer(name: string, deliver: Deliver): Promise<string> {
  const path = join(folder, `${name}.mail`);
  const server = createServer((socket) => receiveMail(socket, deliver));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return path;
}

const notHere: Deliver = async () => false;

test('a message goes to this server where it has the active copy, and to no other', async () => {
  const asked: string[] = [];
  const peerPaths = [await peer('other', async (mailbox) => (asked.push(mailbox), true))];
  const deliver: Deliver = async (mailbox, bytes) => mailbox === ann && bytes.equals(message);
  expect(await sendMail({ deliver, peerPaths, monotonic: () => 0 }, ann, message)).toBe(true);
  expect(asked).toEqual([]);
});

test('a message for a copy elsewhere arrives there as it is; who is not there is passed over', async () => {
  const taken: [string, Buffer][] = [];
  const peerPaths = [
    join(folder, 'nobody.mail'),
    await peer('passive', notHere),
    await peer('active', async (...mail) => (taken.push(mail), true)),
  ];
  expect(await sendMail({ deliver: notHere, peerPaths, monotonic: () => 0 }, ann, message)).toBe(true);
  expect(taken).toEqual([[ann, message]]);
});

test('while the copy moves it is offered again; when the time is over it is given up', async () => {
  let asked = 0;
  const peerPaths = [await peer('late', async () => (asked += 1) >= 3)];
  expect(await sendMail({ deliver: notHere, peerPaths, monotonic: () => 0 }, ann, message)).toBe(true);
  expect(asked).toBe(3);
  const moments = [0, deliverWithinMs];
  const monotonic = () => moments.shift() ?? deliverWithinMs;
  expect(await sendMail({ deliver: notHere, peerPaths: [], monotonic }, ann, message)).toBe(false);
});

test('a host takes mail for a mailbox of a database that it serves, and for no other', async () => {
  const accounts = [
    { mailbox: ann, password: 'demo', database: 'db1' },
    { mailbox: 'bob@demo.test', password: 'demo', database: 'db2' },
  ];
  const host = new LabHost({ server: 'ex1', accounts, monotonic: () => 0, now: () => 5 });
  host.heard(host.mounts.ask(0), []);
  host.mount({ database: 'db1', epoch: 1 }, true);
  expect([host.hasMailbox('ANN@demo.test'), host.hasMailbox('eve@demo.test')]).toEqual([true, false]);
  expect(await host.deliver('ANN@demo.test', message)).toBe(true);
  expect(await host.deliver('bob@demo.test', message)).toBe(false);
  expect(await host.deliver('eve@demo.test', message)).toBe(false);
  const verdict = await host.login(ann, 'demo');
  if (verdict.is !== 'in') throw new Error(verdict.is);
  expect(verdict.account.folder('INBOX')?.messages.at(-1)).toMatchObject({
    uid: 6,
    internalDate: 5,
    bytes: message,
  });
});

test('the fields before a message say the way that it took, and nothing that a client made up', () => {
  const submitted = {
    sender: '',
    recipient: ann,
    clientName: 'evil)(\u0001',
    clientAddress: '127.0.0.1',
    server: 'ex1.demo.test',
    id: 'abc',
    now: Date.UTC(2026, 10, 25, 9),
  };
  expect(traceFields(submitted)).toBe(
    'Return-Path: <>\r\nReceived: from unknown ([127.0.0.1])\r\n\tby ex1.demo.test with ESMTPA id abc\r\n' +
      '\tfor <ann@demo.test>; Wed, 25 Nov 2026 09:00:00 +0000\r\n',
  );
});
