import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Launcher, createLauncher } from '../../../bench/launch.ts';
import type { Ports } from '../../../bench/subject.ts';
import { tryLogins } from '../../../bench/trial.ts';

let folder: string;
let launcher: Launcher;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-test-'));
  launcher = createLauncher(folder);
});
afterEach(async () => {
  await launcher.stopAll();
  rmSync(folder, { recursive: true });
});

const ports: Ports = {
  imaps: 1,
  imapsRsa: undefined,
  handshake: undefined,
  handshakeRsa: undefined,
  pop3s: 2,
  submissions: 3,
};

test('a session of each protocol is tried', async () => {
  expect(await tryLogins(generator('none'), ports)).toBeUndefined();
});

test('the first protocol that fails is named, with the words of the generator', async () => {
  expect(await tryLogins(generator('pop3-login'), ports)).toBe('pop3-login: no way');
});

test('a protocol that is not offered is not tried', async () => {
  expect(await tryLogins(generator('pop3-login'), { ...ports, pop3s: undefined })).toBeUndefined();
});

/** Stands in for the load generator: every session ends well but those of one subcommand. */
function generator(failing: string) {
  const path = join(folder, 'generator');
  const result = (done: number) =>
    `{"kind":"'$1'","done":${done},"errors":${1 - done},"first_error":"no way","seconds":1}`;
  const script = `#!/bin/sh
echo '{"kind":"ready"}'
read -r go
if [ "$1" = ${failing} ]; then echo '${result(0)}'; else echo '${result(1)}'; fi
`;
  writeFileSync(path, script, { mode: 0o755 });
  // A machine with one core has no core for generators.
  const onFirstCore: Launcher = { ...launcher, start: (program) => launcher.start({ ...program, core: 0 }) };
  return { path, folder, launcher: onFirstCore };
}
