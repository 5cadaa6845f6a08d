/**
 * Loaded into every thread of a gateway under test, by NODE_OPTIONS: makes a worker die or the main thread
 * stop on command, so that the product needs no way to do it. FAULT_FOLDER is where orders come from and
 * threads make themselves known.
 */
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
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
  memory: () => {
    for (const kept = []; ;) kept.push(Array.from({ length: 100_000 }, () => kept.length));
  },
};
const mainFaults = {
  // Asleep, not busy: on a machine with few cores the other threads must not pay for it.
  block: (ms) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms)),
  panic: (session) => engineWithFaults().provokePanic(Number(session)),
};

if (folder !== undefined && isMainThread) {
  process.on('worker', (worker) => {
    const { threadId: thread } = worker;
    onOrder(thread, { terminate: () => void worker.terminate() });
  });
  setInterval(obeyMainOrder, 20).unref();
}
if (folder !== undefined && !isMainThread) {
  writeFileSync(join(folder, `thread-${threadId}`), '');
  onOrder(threadId, faults);
}

/** The main thread lives on and is told more than once: an order is gone when it is taken. */
function obeyMainOrder() {
  const path = join(folder, 'main.order');
  const [fault, argument] = orderAt(path)?.split(' ') ?? [];
  if (mainFaults[fault] === undefined) return;
  unlinkSync(path);
  mainFaults[fault](argument);
  writeFileSync(join(folder, 'main.over'), '');
}

/** The one that the gateway has loaded: the same file is the same module. */
function engineWithFaults() {
  return createRequire(import.meta.url)(process.env.NAPI_RS_NATIVE_LIBRARY_PATH);
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
