/** The machine that a comparison ran on, and whether it can run one. */
import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';

/** Why no comparison can run here; undefined when one can. */
export function machineProblem(): string | undefined {
  if (process.platform !== 'linux')
    return 'The comparison reads /proc and pins processes to cores: it needs Linux.';
  if (cpus().length < 2) return 'The comparison needs two cores: one for the server, one for the generator.';
  const limit = spawnSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).stdout.trim();
  if (Number(limit) < filesMin)
    return `The comparison needs ${filesMin} open files; "ulimit -Hn" says ${limit}.`;
  const pinned = spawnSync('taskset', ['-c', '0,1', 'true']);
  if (pinned.error !== undefined) return 'taskset was not found: "apt-get install util-linux" installs it.';
  if (pinned.status !== 0) return 'taskset cannot pin to cores 0 and 1 here.';
  return undefined;
}

/** What a reader of the results wants to know of it. */
export function machineFacts(): Readonly<Record<string, string | number>> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
  };
}

/** Two for each of HAProxy's connections, which must fit before it starts, and some to spare. */
const filesMin = 19_500;
