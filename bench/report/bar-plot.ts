/**
 * Horizontal bars, one a subject: the median as the bar, the spread as a whisker, every round as a dot. An
 * SVG that takes its colours from the page. Pure.
 */
import type { Spread } from '../statistics.ts';
import { formatNumber } from '../table.ts';
import { type Axis, linearAxis } from './axis.ts';
import { type Markup, markup, pixels } from './markup.ts';
import type { Tone } from './tones.ts';

export interface Bar {
  readonly name: string;
  readonly tone: Tone;
  readonly spread: Spread;
  /** One value a round. */
  readonly rounds: readonly number[];
  /** The median in words, and how Postern stands to it; either may be empty. */
  readonly figure: string;
  readonly ratio: string;
}

export interface BarPlot {
  /** For readers who can't see the picture. */
  readonly title: string;
  readonly unit: string;
  readonly bars: readonly Bar[];
}

export function formatBarPlot({ title, unit, bars }: BarPlot): Markup {
  const axis = linearAxis(bars.map(({ spread }) => spread));
  const bottom = top + bars.length * pitch;
  return markup`<svg class="plot" viewBox="0 0 ${width} ${bottom + 36}" role="img" aria-label="${title}">
${ticks(axis, bottom)}
<text class="head" x="${figureAt}" y="${top - 8}" text-anchor="end">median</text>
<text class="head" x="${ratioAt}" y="${top - 8}" text-anchor="end">Postern / it</text>
${bars.map((bar, at) => formatBar(bar, axis, top + at * pitch + pitch / 2))}
<text class="head" x="${plotAt + plotWidth / 2}" y="${bottom + 32}" text-anchor="middle">${unit}</text>
</svg>`;
}

function ticks(axis: Axis, bottom: number): Markup {
  const lines = axis.ticks.map((tick) => {
    const x = placed(axis, tick);
    const kind = tick === 0 ? 'zero' : 'grid';
    const figure = formatNumber(tick, axis.digits);
    return markup`<line class="${kind}" x1="${x}" y1="${top - 2}" x2="${x}" y2="${bottom}"/>
<text class="tick" x="${x}" y="${bottom + 14}" text-anchor="middle">${figure}</text>`;
  });
  return markup`${lines}`;
}

function formatBar({ name, tone, spread, rounds, figure, ratio }: Bar, axis: Axis, middle: number): Markup {
  const [zero, end] = [placed(axis, 0), placed(axis, spread.median)];
  const [left, length] = [Math.min(zero, end), pixels(Math.abs(end - zero))];
  return markup`<g class="${tone}">
<text class="name" x="${plotAt - 12}" y="${middle + 4}" text-anchor="end">${name}</text>
<rect class="bar" x="${left}" y="${middle - thickness / 2}" width="${length}" height="${thickness}" rx="1.5"/>
${axis.isBeyond(spread.median) ? breakMark(middle) : whisker({ axis, spread, rounds, middle })}
<text class="figure" x="${figureAt}" y="${middle + 4}" text-anchor="end">${figure}</text>
<text class="ratio" x="${ratioAt}" y="${middle + 4}" text-anchor="end">${ratio}</text>
</g>`;
}

interface Whisker {
  readonly axis: Axis;
  readonly spread: Spread;
  readonly rounds: readonly number[];
  readonly middle: number;
}

/** Nothing where there was one round: a spread of one value is none. */
function whisker({ axis, spread, rounds, middle }: Whisker): Markup | undefined {
  if (rounds.length < 2) return undefined;
  const [from, to] = [placed(axis, spread.min), placed(axis, spread.max)];
  const caps = [from, to].map(
    (x) => markup`<line class="spread" x1="${x}" y1="${middle - 4}" x2="${x}" y2="${middle + 4}"/>`,
  );
  const dots = rounds.map(
    (value) => markup`<circle class="dot" cx="${placed(axis, value)}" cy="${middle}" r="2.3"/>`,
  );
  return markup`<line class="spread" x1="${from}" y1="${middle}" x2="${to}" y2="${middle}"/>${caps}${dots}`;
}

/** Two slanted cuts near the end of a bar that goes on beyond the axis. */
function breakMark(middle: number): Markup {
  const cut = (at: number) =>
    markup`<path class="cut" d="M${plotAt + plotWidth - at} ${middle + 10} l7 -20"/>`;
  return markup`${cut(26)}${cut(20)}`;
}

function placed(axis: Axis, value: number): number {
  return pixels(plotAt + axis.place(value) * plotWidth);
}

const width = 960;
const top = 26;
const pitch = 26;
const thickness = 15;
const plotAt = 190;
const plotWidth = 590;
const figureAt = 868;
const ratioAt = 956;
