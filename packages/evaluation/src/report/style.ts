/** The style sheet of the HTML report: plain, light, prints well. */
export const STYLE = `
:root { --ink: #1c2330; --soft: #5d6675; --line: #e3e7ee; --paper: #ffffff; --ground: #f5f7fa; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
header, main { max-width: 1240px; margin: 0 auto; padding: 0 28px; }
header { padding-top: 42px; }
h1 { font-size: 30px; letter-spacing: -0.02em; margin: 0 0 4px; }
h2 { font-size: 20px; letter-spacing: -0.01em; margin: 0 0 14px; }
h3 { font-size: 15px; margin: 0 0 10px; }
h4 { font-size: 12.5px; margin: 0 0 6px; color: var(--soft); font-weight: 600; }
.lead { color: var(--soft); margin: 0 0 14px; }
.command { background: #1c2330; color: #e9edf5; padding: 12px 16px; border-radius: 8px; font: 13px/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 12px; padding: 24px 26px; margin: 22px 0; }
.note { color: var(--soft); font-size: 13px; margin: 12px 0 0; max-width: 90ch; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 14px; }
th { text-align: left; color: var(--soft); font-weight: 600; font-size: 12.5px; border-bottom: 1.5px solid var(--line); padding: 6px 12px 6px 0; white-space: nowrap; }
td { border-bottom: 1px solid var(--line); padding: 7px 12px 7px 0; white-space: nowrap; }
tbody tr:last-child td { border-bottom: 0; }
.number { text-align: right; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(260px, 1fr)); gap: 22px 30px; }
.bars { margin-bottom: 14px; }
.bar { display: grid; grid-template-columns: 68px 1fr 40px; align-items: center; gap: 8px; font-size: 12.5px; margin: 3px 0; }
.bar > div { position: relative; height: 12px; background: var(--ground); border-radius: 6px; }
.bar b { position: absolute; inset: 0 auto 0 0; border-radius: 6px; }
.bar.auto b { opacity: 0.75; }
.bar.fixed b { opacity: 0.45; }
.bar i { position: absolute; top: 5px; height: 2px; background: var(--ink); opacity: 0.65; }
.bar span { color: var(--soft); }
.bar em { font-style: normal; text-align: right; font-variant-numeric: tabular-nums; }
.notes { color: var(--soft); font-size: 13.5px; margin: 0 0 14px; padding-left: 18px; }
.legend span { margin-right: 18px; font-size: 13.5px; }
.legend i, .dot { display: inline-block; width: 11px; height: 11px; border-radius: 50%; margin-right: 6px; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(255px, 1fr)); gap: 18px; margin-bottom: 18px; }
.plot { width: 100%; max-width: 460px; height: auto; font-size: 10.5px; fill: var(--soft); }
.plot .title { font-size: 12px; font-weight: 600; fill: var(--ink); }
.plot .axis { font-size: 11px; }
.plot .grid { stroke: var(--line); }
.plot .iso { fill: none; stroke: #d3d8e0; stroke-width: 1; }
details { border-top: 1px solid var(--line); padding: 12px 0 4px; }
summary { cursor: pointer; font-weight: 600; font-size: 14px; margin-bottom: 10px; }
.sheet { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 22px; }
.strip { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 8px; align-items: start; }
figure { margin: 0; }
figure img { width: 100%; aspect-ratio: 4 / 3; object-fit: contain; background: #10141c; display: block; border-radius: 6px; }
figcaption { font-size: 11.5px; color: var(--soft); margin-top: 3px; display: flex; justify-content: space-between; gap: 6px; }
figcaption span { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
dt { font-weight: 600; margin-top: 10px; }
dd { margin: 2px 0 0; font-size: 14px; }
dd small { color: var(--soft); display: block; }
@media (max-width: 900px) { .sheet { grid-template-columns: 1fr; } }
@media print { body { background: white; } section { break-inside: avoid; } }
`;
