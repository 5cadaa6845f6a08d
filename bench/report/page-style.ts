/** The style sheet of the report. One accent, greys else; the plots take their colours from here. */

export const pageStyle = `
:root {
  --page: #ffffff; --ink: #1b2026; --soft: #5d6773; --faint: #e4e7eb; --band: #f6f7f9;
  --ours: #0b7a6f; --reads: #7d8fa3; --blind: #b9c4d0; --floor: #dfe4ea; --dots: #2b3440;
  --good: #0b7a6f; --fair: #3d6fb4; --bad: #b3412e; --bad-band: #fbefec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14181c; --ink: #e4e8ec; --soft: #98a3af; --faint: #2b3239; --band: #1b2026;
    --ours: #2fae9f; --reads: #73859a; --blind: #4c5967; --floor: #343d47; --dots: #dfe5eb;
    --good: #2fae9f; --fair: #7aa7e0; --bad: #e0806d; --bad-band: #2c1d1a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
}
main { max-width: 1080px; margin: 0 auto; padding: 40px 24px 64px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0 0 20px; letter-spacing: -0.01em; }
h2 { font-size: 19px; margin: 0 0 4px; }
p { margin: 0 0 12px; }
section { margin-top: 40px; padding-top: 20px; border-top: 1px solid var(--faint); }
.kicker {
  margin: 0; color: var(--ours); font-weight: 600; font-size: 12px; letter-spacing: 0.08em;
  text-transform: uppercase;
}
.remark { color: var(--soft); }
dl { display: grid; gap: 2px; margin: 0; }
dl div { display: grid; grid-template-columns: 90px 1fr; }
dt { color: var(--soft); }
dd { margin: 0; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td {
  padding: 6px 10px 6px 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--faint);
}
thead th { color: var(--soft); font-weight: 500; font-size: 12px; vertical-align: bottom; }
tbody th { font-weight: 500; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.goals th, .goals td { white-space: nowrap; padding-right: 14px; }
.goals tr > :last-child { padding-right: 0; }
small { display: block; color: var(--soft); font-size: 11px; font-weight: 400; }
.numbers table { font-size: 12.5px; }
.numbers thead th { overflow-wrap: break-word; white-space: normal; max-width: 84px; }
.numbers tbody th { min-width: 150px; }
.numbers td.ours, .numbers th.ours { color: var(--ours); font-weight: 600; }
.subjects th, .subjects td { padding-right: 18px; }
.subjects th { white-space: nowrap; }
.wide { overflow-x: auto; }
.chip {
  display: inline-block; padding: 0 8px; border: 1px solid currentColor; border-radius: 9px;
  font-size: 11.5px; line-height: 17px; font-weight: 600; white-space: nowrap;
}
.chip.stretch { background: var(--good); border-color: var(--good); color: var(--page); }
.chip.met { color: var(--good); }
.chip.missed { color: var(--bad); }
.chip.open { color: var(--soft); }
.faults { background: var(--bad-band); border: 1px solid var(--bad); border-radius: 6px; padding: 16px 20px; }
.faults h2 { color: var(--bad); }
.faults ul { margin: 6px 0 0; padding-left: 18px; }
.legend {
  display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 32px 0 -16px; color: var(--soft); font-size: 13px;
}
.swatch { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin-right: 7px; }
.swatch.ours { background: var(--ours); }
.swatch.reads { background: var(--reads); }
.swatch.blind { background: var(--blind); }
.swatch.floor { background: var(--floor); outline: 1px dashed var(--soft); outline-offset: -1px; }
.swatch.whisker {
  width: 18px; height: 0; border-top: 1.2px solid var(--dots); border-radius: 0; vertical-align: middle;
}
figure { margin: 18px 0 0; break-inside: avoid; overflow-x: auto; }
figcaption { display: flex; flex-wrap: wrap; gap: 0 8px; align-items: baseline; margin-bottom: 2px; }
figcaption .goal { margin-left: auto; font-size: 13px; color: var(--soft); }
figcaption .goal + .goal { margin-left: 14px; }
.plot { display: block; width: 100%; min-width: 640px; height: auto; }
.plot text { font-size: 12.5px; fill: var(--ink); font-variant-numeric: tabular-nums; }
.plot .head, .plot .tick { fill: var(--soft); font-size: 11px; }
.plot .ratio { fill: var(--soft); }
.plot .grid { stroke: var(--faint); }
.plot .zero { stroke: var(--soft); }
.plot .spread { stroke: var(--dots); stroke-width: 1.2; }
.plot .dot { fill: var(--dots); fill-opacity: 0.55; }
.plot .cut { stroke: var(--page); stroke-width: 2.5; fill: none; }
.plot .ours text { font-weight: 650; }
.plot .ours text.name { fill: var(--ours); }
.ours .bar { fill: var(--ours); }
.reads .bar { fill: var(--reads); }
.blind .bar { fill: var(--blind); }
.floor .bar { fill: var(--floor); stroke: var(--soft); stroke-dasharray: 3 2; }
.plot .floor text { fill: var(--soft); }
.plot .strip { stroke-width: 4; stroke-opacity: 0.55; }
.plot .mark { stroke-width: 2.5; }
.ours .strip, .ours .mark { stroke: var(--ours); }
.reads .strip, .reads .mark { stroke: var(--reads); }
.blind .strip, .blind .mark { stroke: var(--blind); }
.floor .strip, .floor .mark { stroke: var(--soft); }
.bullet { display: block; margin-top: 3px; }
.bullet .track { fill: var(--faint); }
.bullet rect.stretch, .bullet rect.met { fill: var(--good); }
.bullet rect.missed { fill: var(--bad); }
.bullet line { stroke: var(--ink); stroke-width: 2; }
.bullet line.stretch { stroke: var(--soft); stroke-width: 1.5; }
.reading ul { margin: 6px 0 0; padding-left: 18px; }
@media (max-width: 700px) {
  main { padding: 24px 14px 48px; }
  h1 { font-size: 24px; }
  figcaption .goal { margin-left: 0; }
}
@media print {
  :root {
    --page: #ffffff; --ink: #000000; --soft: #555555; --faint: #dddddd; --band: #ffffff;
    --ours: #0b7a6f; --reads: #7d8fa3; --blind: #b9c4d0; --floor: #e6eaee; --dots: #222222;
    --good: #0b7a6f; --bad: #b3412e; --bad-band: #ffffff;
  }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0; }
  body { font-size: 11pt; }
  h2, figcaption, thead, .scenario > p { break-after: avoid; }
  .numbers { page: wide; border-top: none; }
  tr { break-inside: avoid; }
  .wide, figure { overflow: visible; }
  .plot { min-width: 0; }
  .numbers table { font-size: 8pt; }
  small { font-size: 7pt; }
}
@page { margin: 14mm; }
@page wide { size: landscape; }
`;
