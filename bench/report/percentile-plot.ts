/** Strips of percentiles, one a subject, over a logarithmic axis of milliseconds. Pure. */
import { formatNumber } from '../table.ts';
import { type Axis, logAxis } from './axis.ts';
import { type Markup, markup, pixels } from './markup.ts';
import type { Tone } from './tones.ts';

export interface Strip {
  readonly name: string;
  readonly tone: Tone;
  /** From the lowest percentile up: 50, 99, 99.9. */
  readonly points: readonly PercentilePoint[];
}

export interface PercentilePoint {
  readonly percentile: number;
  /** Above zero. */
  readonly ms: number;
}

export function formatPercentilePlot(title: string, strips: readonly Strip[]): Markup {
  const axis = logAxis(strips.flatMap(({ points }) => points.map(({ ms }) => ms)));
  const bottom = top + strips.length * pitch;
  const ticks = axis.ticks.map((tick) => {
    const x = placed(axis, tick);
    return markup`<line class="grid" x1="${x}" y1="${top - 2}" x2="${x}" y2="${bottom}"/>
<text class="tick" x="${x}" y="${bottom + 14}" text-anchor="middle">${shortest(tick)}</text>`;
  });
  return markup`<svg class="plot" viewBox="0 0 ${width} ${bottom + 36}" role="img" aria-label="${title}">
${ticks}
<text class="head" x="${wordsAt}" y="${top - 8}" text-anchor="end">${wordsHead(strips)}</text>
${strips.map((strip, at) => formatStrip(strip, axis, top + at * pitch + pitch / 2))}
<text class="head" x="${middleAt}" y="${bottom + 32}" text-anchor="middle">ms, logarithmic</text>
</svg>`;
}

function formatStrip({ name, tone, points }: Strip, axis: Axis, middle: number): Markup {
  const places = points.map(({ ms }) => placed(axis, ms));
  const [from, to] = [Math.min(...places), Math.max(...places)];
  const marks = places.map((x, at) => {
    const half = at === 0 ? 8 : 5;
    return markup`<line class="mark" x1="${x}" y1="${middle - half}" x2="${x}" y2="${middle + half}"/>`;
  });
  const words = points.map(({ ms }) => formatNumber(ms, ms < 10 ? 2 : 1)).join(' / ');
  return markup`<g class="${tone}">
<text class="name" x="${plotAt - 12}" y="${middle + 4}" text-anchor="end">${name}</text>
<line class="strip" x1="${from}" y1="${middle}" x2="${to}" y2="${middle}"/>${marks}
<text class="figure" x="${wordsAt}" y="${middle + 4}" text-anchor="end">${words}</text>
</g>`;
}

/** The percentiles that the first strip has: all strips of one measurement have the same. */
function wordsHead(strips: readonly Strip[]): string {
  return (strips[0]?.points ?? []).map(({ percentile }) => `p${percentile}`).join(' / ');
}

function shortest(value: number): string {
  return formatNumber(value, Math.max(0, -Math.floor(Math.log10(value) + 1e-9)));
}

function placed(axis: Axis, value: number): number {
  return pixels(plotAt + axis.place(value) * plotWidth);
}

const width = 960;
const top = 26;
const pitch = 24;
const plotAt = 190;
const plotWidth = 560;
const wordsAt = 956;
const middleAt = plotAt + plotWidth / 2;
