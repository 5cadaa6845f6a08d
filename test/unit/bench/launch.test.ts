import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Launcher, type Running, createLauncher } from '../../../bench/launch.ts';
import { eventually } from '../../support/eventually.ts';

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

// A rival's first process may end before its workers do, which then would load the next run.
test('what a program has started ends with it', async () => {
  const { running, child } = await startFamily('wait');
  expect(isAlive(child)).toBe(true);
  await running.stop();
  await eventually('the end of the child', async () => !isAlive(child));
});

test('what a program leaves behind when it ends by itself is ended, too', async () => {
  const { running, child } = await startFamily('exit 3');
  await running.ended;
  await eventually('the end of the child', async () => !isAlive(child));
});

/** A shell with a child that would sleep for minutes and takes no hint. */
async function startFamily(then: string): Promise<{ readonly running: Running; readonly child: number }> {
  const script = `sh -c "trap '' TERM; sleep 300; sleep 300" & echo $!; ${then}`;
  const running = launcher.start({ name: 'family', command: 'sh', words: ['-c', script], core: 0 });
  if (running.child.stdout === null) throw new Error('no pipe');
  const { value } = await createInterface({ input: running.child.stdout })[Symbol.asyncIterator]().next();
  return { running, child: Number(value) };
}

/** A process that has ended but was not waited for by whoever inherited it is as good as gone. */
function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}
