/** The few colours of the report: one for us, three greys for what the others do. Pure. */
import type { SubjectFacts } from '../results.ts';
import { type Markup, markup } from './markup.ts';

/** The name of a class in the style sheet. */
export type Tone = 'ours' | 'reads' | 'blind' | 'floor';

export function toneOf({ role, features }: Pick<SubjectFacts, 'role' | 'features'>): Tone {
  if (role === 'ours') return 'ours';
  if (role === 'floor') return 'floor';
  return features.includes('parsesLogin') ? 'reads' : 'blind';
}

/** What the tones mean, of those that occur. */
export function legend(subjects: readonly SubjectFacts[]): Markup {
  const present = new Set(subjects.map(toneOf));
  const entries = (Object.keys(meanings) as Tone[]).filter((tone) => present.has(tone));
  return markup`<p class="legend">${entries.map(
    (tone) => markup`<span><i class="swatch ${tone}"></i>${meanings[tone]}</span>`,
  )}<span><i class="swatch whisker"></i>lowest to highest round, a dot for each</span></p>`;
}

const meanings: Readonly<Record<Tone, string>> = {
  ours: 'Postern, reads the login',
  reads: 'rival that reads the login, too',
  blind: 'rival that passes bytes on blindly',
  floor: 'no gateway: the floor',
};
