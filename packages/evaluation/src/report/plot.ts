import { markupText } from "@unsam/core/markup";
/** One line of a plot. */
export interface Series {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Drawn as marks only. */
  readonly marksOnly?: boolean;
  readonly dashed?: boolean;
}

export interface PlotOptions {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly xTicks: readonly { readonly at: number; readonly label: string }[];
  readonly series: readonly Series[];
  /** Colour of each series, by name. */
  readonly color: (name: string) => string;
  /** Lines of equal F in the background, for precision and recall. */
  readonly isoF?: boolean;
}

const WIDTH = 380;
const HEIGHT = 260;
const LEFT = 44;
const RIGHT = 24;
const TOP = 30;
const BOTTOM = 42;

/** A line plot with a y axis from 0 to 1, as a self-contained SVG. */
export function plot({ title, x, y, xTicks, series, color, isoF }: PlotOptions): string {
  const xs = [
    ...xTicks.map(({ at }) => at),
    ...series.flatMap(({ points }) => points.map(([value]) => value)),
  ];
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  const px = (value: number) => LEFT + ((value - low) / (high - low || 1)) * (WIDTH - LEFT - RIGHT);
  const py = (value: number) => TOP + (1 - value) * (HEIGHT - TOP - BOTTOM);
  const text = (at: string, content: string, more = "") =>
    `<text ${at} ${more}>${markupText(content)}</text>`;
  const parts: string[] = [text(`x="${LEFT}" y="16"`, title, 'class="title"')];
  for (const tick of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    parts.push(
      `<line class="grid" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(py(tick))}" y2="${round(py(tick))}"/>`,
    );
    parts.push(text(`x="${LEFT - 7}" y="${round(py(tick) + 3.5)}"`, tick.toFixed(1), 'text-anchor="end"'));
  }
  for (const { at, label } of xTicks) {
    parts.push(text(`x="${round(px(at))}" y="${HEIGHT - BOTTOM + 16}"`, label, 'text-anchor="middle"'));
  }
  if (isoF) parts.push(...[0.2, 0.4, 0.6, 0.8].map((f) => isoLine(f, px, py)));
  parts.push(
    text(`x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}"`, x, 'text-anchor="middle" class="axis"'),
  );
  parts.push(
    text(
      `transform="translate(11 ${(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)"`,
      y,
      'text-anchor="middle" class="axis"',
    ),
  );
  for (const { name, points, marksOnly, dashed } of series) {
    const at = points.map(([a, b]) => [round(px(a)), round(py(b))] as const);
    const stroke = color(name);
    if (!marksOnly && at.length > 1) {
      parts.push(
        `<polyline fill="none" stroke="${stroke}" stroke-width="2" stroke-linejoin="round"${dashed ? ' stroke-dasharray="5 4"' : ""} points="${at.map((pair) => pair.join(",")).join(" ")}"/>`,
      );
    }
    const radius = marksOnly ? 4.5 : 2.6;
    for (const [k, [cx, cy]] of at.entries()) {
      const [vx, vy] = points[k];
      parts.push(
        `<circle cx="${cx}" cy="${cy}" r="${radius}" fill="${stroke}"><title>${markupText(name)}: ${vx.toPrecision(3)}, ${vy.toFixed(3)}</title></circle>`,
      );
    }
  }
  return `<svg class="plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${markupText(title)}">${parts.join("")}</svg>`;
}

/** Precision over recall where their harmonic mean is f. */
function isoLine(f: number, px: (value: number) => number, py: (value: number) => number): string {
  const points: string[] = [];
  for (let recall = f / (2 - f); recall <= 1.0001; recall += 0.02) {
    const precision = (f * recall) / (2 * recall - f);
    if (precision <= 1) points.push(`${round(px(recall))},${round(py(precision))}`);
  }
  return `<polyline class="iso" points="${points.join(" ")}"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
