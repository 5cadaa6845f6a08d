/**
 * Pieces of HTML and SVG. Whatever is put into a piece is escaped unless it is a piece itself, and a number
 * that is none stops the report: a broken figure must not look like a picture. Pure.
 */

export interface Markup {
  readonly markup: string;
}

/** What may stand in a piece; a list stands for its members, one after the other. */
export type Insert = Markup | string | number | undefined | readonly Insert[];

/** Makes a piece: markup`<p>${name}</p>`. */
export function markup(texts: TemplateStringsArray, ...inserts: readonly Insert[]): Markup {
  const parts = texts.map((text, at) => text + (at < inserts.length ? textOf(inserts[at]) : ''));
  return { markup: parts.join('') };
}

/** Text as it may stand between tags and in quoted attributes. */
export function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** A coordinate: tenths of a pixel are enough, and keep the file small. */
export function pixels(value: number): number {
  return Math.round(value * 10) / 10;
}

function textOf(insert: Insert): string {
  if (insert === undefined) return '';
  if (typeof insert === 'string') return escapeText(insert);
  if (typeof insert === 'number') {
    if (!Number.isFinite(insert)) throw new Error(`the report has no place for ${insert}`);
    return String(insert);
  }
  return 'markup' in insert ? insert.markup : insert.map(textOf).join('');
}
