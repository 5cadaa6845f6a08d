/** `npm run bench -- imap`: sets the stage, runs rounds and memory, prints the table, writes the JSON. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { faultsOf } from './faults.ts';
import { measureIdleMemory } from './idle-memory.ts';
import { buildReport, cellsOf } from './imap-report.ts';
import { runRounds } from './imap-rounds.ts';
import { createLauncher } from './launch.ts';
import { type LoadTool, buildLoadTool, makeCertificate, nextLine, startLoad } from './load-tool.ts';
import { machineFacts, machineProblem } from './machine.ts';
import type { IdleMemory, Results } from './measurement.ts';
import type { ImapOptions } from './options.ts';
import { findHaproxy } from './rivals/haproxy.ts';
import type { Bed, Subject, SubjectKind } from './subject.ts';
import { direct, portOf } from './subjects/direct.ts';
import { findPostern } from './subjects/postern.ts';
import { formatTable } from './table.ts';

type Say = (line: string) => void;

/** Gives the exit code: 0 when every figure may be believed. Throws, in words, when a means is missing. */
export async function runImapBench(root: string, options: ImapOptions, say: Say): Promise<number> {
  const problem = machineProblem();
  if (problem !== undefined) throw new Error(problem);
  const kinds = chosenKinds(root, options, say);
  say('building the load generator');
  const path = buildLoadTool(root);
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  const launcher = createLauncher(folder);
  try {
    makeCertificate(path, folder);
    const tool = { path, folder, launcher };
    const results = await measureAll(kinds, await makeBed(tool, root), options, say);
    return present(results, kinds, root, say);
  } finally {
    await launcher.stopAll();
    removeFolder();
  }
}

/**
 * A rival that is missing is left out with a word; without Postern or the floor there is nothing to
 * compare.
 */
function chosenKinds(root: string, options: ImapOptions, say: Say): readonly SubjectKind[] {
  const all = [direct, findHaproxy(), findPostern(root)];
  const asked = all.filter((kind) => options.subjects.includes(kind.name));
  for (const { name, missing } of asked) {
    if (missing !== undefined && name === 'haproxy') say(`without a rival: ${missing}`);
    else if (missing !== undefined) throw new Error(missing);
  }
  return asked.filter((kind) => kind.missing === undefined);
}

async function makeBed(tool: LoadTool, root: string): Promise<Bed> {
  const stub = startLoad(tool, 'stub-imap', ['--listen', '127.0.0.1:0']);
  const stubPort = portOf(await nextLine(stub.lines, stub), 'plain');
  return { tool, stubPort, folder: tool.folder, root };
}

async function measureAll(
  kinds: readonly SubjectKind[],
  bed: Bed,
  options: ImapOptions,
  say: Say,
): Promise<Results> {
  const minutes = (kinds.length * (options.rounds * 3 * (options.seconds + 0.3) + 15)) / 60;
  const names = kinds.map((kind) => kind.name).join(', ');
  say(`${names}: ${options.rounds} rounds, about ${Math.ceil(minutes)} min`);
  const subjects: Subject[] = [];
  for (const kind of kinds) subjects.push(await kind.start(bed));
  const runs = await runRounds(subjects, bed.tool, options, say);
  await Promise.all(subjects.map((subject) => subject.stop()));

  const memory: IdleMemory[] = [];
  for (const kind of kinds) {
    say(`memory of ${options.idleSessions} idle sessions: ${kind.name}, in a fresh process`);
    const subject = await kind.start(bed);
    memory.push(await measureIdleMemory(subject, bed.tool, options.idleSessions));
    await subject.stop();
  }
  return { options, runs, memory };
}

function present(results: Results, kinds: readonly SubjectKind[], root: string, say: Say): number {
  const report = buildReport(results);
  const names = kinds.map((kind) => kind.name);
  const heading = ['median [min..max]', ...names, 'postern/haproxy'];
  say(`\n${formatTable([heading, ...report.rows.map((row) => cellsOf(row, names))])}\n`);
  say('Latencies with a + are what the gateway adds to direct, one session at a time.');
  for (const [kind, count] of Object.entries(report.thrownAway)) {
    if (count > 0)
      say(`${count} of ${results.options.rounds} ${kind} rounds thrown away: the machine was disturbed.`);
  }
  const faults = faultsOf(results);
  for (const fault of faults) say(`FAULT: ${fault}`);

  const at = new Date().toISOString();
  const path = join(root, 'bench/results', `imap-${at.replaceAll(':', '')}.json`);
  const versions = Object.fromEntries(kinds.map((kind) => [kind.name, kind.version]));
  const file = { bench: 'imap', at, machine: machineFacts(), versions, tls, ...report, faults, ...results };
  mkdirSync(join(root, 'bench/results'), { recursive: true });
  writeFileSync(path, `${JSON.stringify(file, null, 2)}\n`);
  say(`results: ${path}`);
  return faults.length === 0 ? 0 : 1;
}

/** The generator offers nothing else, and checks it on every connection. */
const tls = 'TLS 1.3, X25519, TLS_AES_128_GCM_SHA256, ECDSA P-256, full handshakes';
