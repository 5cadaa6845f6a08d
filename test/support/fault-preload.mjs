/**
 * Loaded into every thread of a gateway under test, by NODE_OPTIONS: makes a worker die on command, so that
 * the product needs no way to do it. FAULT_FOLDER is where orders come from and threads make themselves
 * known.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMainThread, threadId } from 'node:worker_threads';

const folder = process.env.FAULT_FOLDER;
const faults = {
  throw: () => {
    throw new Error('provoked by a test');
  },
  reject: () => void Promise.reject(new Error('provoked by a test')),
  exit: () => process.exit(7),
  loop: () => {
    for (;;);
  },
};

if (folder !== undefined && isMainThread) {
  process.on('worker', (worker) => {
    const { threadId: thread } = worker;
    onOrder(thread, { terminate: () => void worker.terminate() });
  });
}
if (folder !== undefined && !isMainThread) {
  writeFileSync(join(folder, `thread-${threadId}`), '');
  onOrder(threadId, faults);
}

/** Orders are files `THREAD.order` with the fault's name in them; each is carried out once. */
function onOrder(thread, faultsHere) {
  const path = join(folder, `${thread}.order`);
  const timer = setInterval(() => {
    const fault = orderAt(path);
    if (faultsHere[fault] === undefined) return;
    clearInterval(timer);
    writeFileSync(join(folder, `${thread}.struck`), '');
    faultsHere[fault]();
  }, 20);
  timer.unref();
}

function orderAt(path) {
  try {
    return readFileSync(path, 'utf8') || undefined;
  } catch {
    return undefined;
  }
}
