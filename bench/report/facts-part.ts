/** What a reader must know of a comparison: the machine, who took part, what makes figures untrue. Pure. */
import { notesOn } from '../rivals/notes.ts';
import type { SubjectFacts } from '../results.ts';
import { type Markup, markup } from './markup.ts';
import type { ResultsFile } from './results-file.ts';
import { toneOf } from './tones.ts';

export function formatHeading({ at, machine, options, tls }: ResultsFile): Markup {
  const { cpu, cores, memoryGiB, kernel } = machine;
  const facts: readonly (readonly [string, string])[] = [
    ['measured', `${at.slice(0, 16).replace('T', ' ')} UTC`],
    ['machine', `${cpu}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}`],
    ['runs', `${options.rounds} interleaved rounds of ${options.seconds} s, everything on loopback`],
    ...(options.rounds < quotableRounds ? [['note', tooFewRounds] as const] : []),
    ...Object.entries(tls).map(([version, what]) => [`TLS ${version}`, what] as const),
  ];
  return markup`<header>
<p class="kicker">Postern bench</p>
<h1>What a mail session costs</h1>
<dl>${facts.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</header>`;
}

/** First on the page where there are any: with a fault no figure should be quoted. */
export function formatFaults(faults: readonly string[]): Markup | undefined {
  if (faults.length === 0) return undefined;
  const count = faults.length === 1 ? 'One fault' : `${faults.length} faults`;
  return markup`<section class="faults">
<h2>${count}: these figures are not to be believed</h2>
<ul>${faults.map((fault) => markup`<li>${fault}</li>`)}</ul>
</section>`;
}

export function formatSubjects(subjects: readonly SubjectFacts[]): Markup {
  const lines = subjects.map(
    (subject) => markup`<tr><th scope="row"><i class="swatch ${toneOf(subject)}"></i>${subject.name}</th>
<td>${subject.version}</td>
<td>${does(subject)}</td>
<td>${notesOn(subject.name).join(' ')}</td></tr>`,
  );
  return markup`<section class="subjects">
<h2>Who was measured</h2>
<div class="wide"><table>
<thead><tr><th>subject</th><th>version</th><th>what it does</th><th>what to know</th></tr></thead>
<tbody>${lines}</tbody>
</table></div>
</section>`;
}

export function formatReading(): Markup {
  return markup`<section class="reading">
<h2>How to read it</h2>
<ul>${readings.map((reading) => markup`<li>${reading}</li>`)}</ul>
</section>`;
}

function does({ role, features }: SubjectFacts): string {
  if (role === 'floor') return 'no gateway';
  const reads = features.includes('parsesLogin')
    ? 'reads the login and chooses the server by it'
    : 'passes bytes on, knows no login';
  const missing = (['serverTls', 'resumption'] as const).filter((feature) => !features.includes(feature));
  const lacks = missing.map((feature) =>
    feature === 'serverTls' ? 'no TLS to the server' : 'no resumption',
  );
  return [reads, ...lacks].join('; ');
}

/** Below this a spread says little. */
const quotableRounds = 5;
const tooFewRounds = `fewer than ${quotableRounds} rounds: enough to see that it works, not to be quoted`;

const readings: readonly string[] = [
  'CPU time per unit is what to compare: all processes of a subject together, by the scheduler’s count. ' +
    'Rates are lower bounds, since the generator and the server behind share one core.',
  'CPU time per unit rises when the load is low, because each wake-up then serves less: figures of ' +
    'different loads don’t compare.',
  'A ratio is taken within each round, so that a slow minute of the machine falls on both sides; below 1 ' +
    'Postern needs less.',
  'A round in which the generator itself needed twice its usual time is thrown away for all subjects.',
  'On loopback the sender’s system calls do part of the receiver’s work, for every subject alike.',
  'Idle memory is the growth of anonymous memory for each session; the kernel’s buffers are not in it.',
];
