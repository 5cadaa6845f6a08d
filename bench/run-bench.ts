/** One comparison: sets the stage, runs the rounds, prints the table, writes the JSON. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLauncher } from './launch.ts';
import { type LoadTool, buildLoadTool, makeCertificates, nextLine, startLoad } from './load-tool.ts';
import { machineFacts, machineProblem } from './machine.ts';
import type { Options } from './options.ts';
import type { ResultsFile } from './report/results-file.ts';
import { writePage } from './report/write-page.ts';
import { buildReport, cellsOf, tableRivalOf } from './report.ts';
import type { Results } from './results.ts';
import { type Plan, kindsFor, runRounds } from './rounds.ts';
import type { Scenario } from './scenario.ts';
import type { Bed, SubjectKind } from './subject.ts';
import { stubPortsIn } from './subjects/direct.ts';
import { formatTable } from './table.ts';

type Say = (line: string) => void;

/** What can be run, and where the project is. */
export interface Offer {
  readonly root: string;
  readonly scenarios: readonly Scenario[];
  readonly kinds: readonly SubjectKind[];
}

/** Gives the exit code: 0 when every figure may be believed. Throws, in words, when a means is missing. */
export async function runComparison(offer: Offer, options: Options, say: Say): Promise<number> {
  const problem = machineProblem();
  if (problem !== undefined) throw new Error(problem);
  const plan = {
    scenarios: offer.scenarios.filter(({ name }) => options.scenarios.includes(name)),
    kinds: chosenKinds(offer.kinds, options, say),
    options,
  };
  say('building the load generator');
  const path = buildLoadTool(offer.root);
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  const launcher = createLauncher(folder);
  try {
    makeCertificates(path, folder);
    const bed = await makeBed({ path, folder, launcher }, offer.root);
    const names = plan.kinds.map(({ name }) => name).join(', ');
    say(`${names}: ${options.rounds} rounds, about ${minutesOf(plan)} min`);
    const runs = await runRounds(plan, bed, say);
    return present({ options, subjects: plan.kinds.map(factsOf), runs }, plan, { root: offer.root, say });
  } finally {
    await launcher.stopAll();
    removeFolder();
  }
}

/**
 * A rival that is missing is left out with a word; without Postern or the floor there is nothing to
 * compare.
 */
function chosenKinds(kinds: readonly SubjectKind[], options: Options, say: Say): readonly SubjectKind[] {
  const asked = kinds.filter(({ name }) => options.subjects.includes(name));
  for (const { role, missing } of asked) {
    if (missing !== undefined && role === 'rival') say(`without a rival: ${missing}`);
    else if (missing !== undefined) throw new Error(missing);
  }
  return asked.filter(({ missing }) => missing === undefined);
}

async function makeBed(tool: LoadTool, root: string): Promise<Bed> {
  const stub = startLoad(tool, { command: 'stub', words: ['--plain', '--tls', '--dir', tool.folder] });
  const ready = await nextLine(stub.lines, stub);
  const [stubPorts, stubTlsPorts] = [stubPortsIn(ready, 'plain'), stubPortsIn(ready, 'tls')];
  return { tool, stubPorts, stubTlsPorts, folder: tool.folder, root };
}

/** The length of the runs, and what a start takes; a warm-up is one run more. */
function minutesOf({ scenarios, kinds, options }: Plan): number {
  const seconds = scenarios.map((scenario) => {
    const start = scenario.process === 'fresh' ? startSeconds : 0;
    return kindsFor(scenario, kinds).length * options.rounds * (scenario.secondsOf(options) + start);
  });
  const starts = kinds.length * (startSeconds + options.seconds);
  return Math.ceil((seconds.reduce((sum, each) => sum + each, 0) + starts) / 60);
}

interface Place {
  readonly root: string;
  readonly say: Say;
}

function present(results: Results, { scenarios }: Plan, { root, say }: Place): number {
  const report = buildReport(results, scenarios);
  const rival = tableRivalOf(results);
  const names = results.subjects.map(({ name }) => name);
  const ratio = rival === undefined ? [] : [`postern/${rival}`];
  const heading = ['median [min..max]', ...names, ...ratio, 'goals'];
  const lines = [heading, ...report.rows.map((row) => cellsOf(row, results, rival))];
  say(`\n${formatTable(lines, [0, heading.length - 1])}\n`);
  say('Figures with a + are what the gateway adds to direct in the same round.');
  for (const [scenario, count] of Object.entries(report.thrownAway)) {
    if (count > 0)
      say(`${count} of ${results.options.rounds} ${scenario} rounds thrown away: the machine was disturbed.`);
  }
  const faults = results.runs.flatMap(({ scenario, subject, round, faults: own }) =>
    own.map((fault) => `${subject}, ${scenario}, round ${round}: ${fault}`),
  );
  for (const fault of faults) say(`FAULT: ${fault}`);
  const docs = scenarios.map(({ name, doc }) => ({ name, doc }));
  const at = new Date().toISOString();
  const about = { bench: 'postern', at, machine: machineFacts(), tls } as const;
  const paths = writeResults(root, { ...about, ...report, faults, scenarios: docs, ...results });
  for (const path of paths) say(`results: ${path}`);
  return faults.length === 0 ? 0 : 1;
}

/** Gives the paths of the new files: everything as JSON, and the page. */
function writeResults(root: string, file: ResultsFile): readonly string[] {
  const folder = join(root, 'bench/results');
  const path = join(folder, `bench-${file.at.replaceAll(':', '')}.json`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `${JSON.stringify(file, null, 2)}\n`);
  return [path, writePage(path, file)];
}

function factsOf({ name, role, version, features }: SubjectKind): Results['subjects'][number] {
  return { name, role, version, features };
}

/** The generator offers nothing else, and checks it on every connection. */
const tls = {
  '1.3': 'X25519, TLS_AES_128_GCM_SHA256',
  '1.2': 'X25519, TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
};
/** Postern awaits its monitors; a rival is up sooner. */
const startSeconds = 3;
