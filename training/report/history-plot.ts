import { dot, line, text } from "@observablehq/plot";
import { formatVersion } from "../../src/domain/model-selector.ts";
import { dollars } from "./format.ts";
import { type Html, html } from "./html.ts";
import { draw, figure, INK, SERIES } from "./plot.ts";

/** A version and its test MAE in US dollars when it was trained. */
export interface HistoryPoint {
  readonly name: string;
  readonly version: number;
  readonly mae: number;
  readonly createdAt: string;
}

const SHOWN = 50;
/** Of a model's name beside its line; a character is about so wide. */
const MOST_CHARACTERS = 26;
const CHARACTER = 7;

/** Test MAE of each model's versions, a line a model. */
export function historyPlot(points: readonly HistoryPoint[], current: HistoryPoint): Html {
  const others = points.filter((point) => formatVersion(point) !== formatVersion(current));
  const all = [...others, current].sort((a, b) => a.version - b.version);
  // The colours stay with their models from card to card.
  const names = [...new Set(all.map((point) => point.name))].sort();
  const series = names.map((name) => all.filter((point) => point.name === name).slice(-SHOWN));
  const shown = series.flat();
  const highest = shown.reduce((high, point) => Math.max(high, point.mae), 0);
  const versions = shown.map((point) => point.version);
  const [first, last] = [Math.min(...versions), Math.max(...versions)];
  const drawing = draw("Mean absolute error of each model's versions", {
    height: 320,
    marginTop: 30,
    marginLeft: 52,
    marginRight: 22 + CHARACTER * Math.max(...names.map((name) => shorten(name).length)),
    marginBottom: 44,
    x: {
      domain: first === last ? [first - 1, last + 1] : [first, last],
      ticks: wholeTicks(first, last),
      tickFormat: "d",
      tickSize: 0,
      label: "version →",
      labelArrow: "none",
    },
    y: {
      domain: [0, highest * 1.08],
      nice: true,
      ticks: 5,
      tickFormat: "$,.0f",
      tickSize: 0,
      grid: true,
      label: "↑ mean error",
      labelArrow: "none",
    },
    color: { domain: names, range: names.map((_, i) => SERIES[i % SERIES.length]!) },
    marks: [
      line(shown, { x: "version", y: "mae", z: "name", stroke: "name", strokeWidth: 1.5 }),
      dot(shown, { x: "version", y: "mae", fill: "name", r: shown.length > 40 ? 1.5 : 3 }),
      dot([current], { x: "version", y: "mae", stroke: INK, strokeWidth: 1.5, r: 6 }),
      text(labels(series, highest / 18), {
        x: last,
        y: "y",
        text: ({ name }: { name: string }) => shorten(name),
        fill: "name",
        textAnchor: "start",
        dx: 14,
      }),
    ],
  });
  return figure(
    "Every version so far",
    drawing,
    html`Mean error (MAE) of each version on its own test stones when it was trained; lower is better. The ring is this version, at ${dollars(current.mae)}.`,
  );
}

function shorten(name: string): string {
  return name.length > MOST_CHARACTERS ? `${name.slice(0, MOST_CHARACTERS - 1)}…` : name;
}

/** Some whole numbers from first to last. */
function wholeTicks(first: number, last: number): number[] {
  const step = Math.max(1, Math.ceil((last - first) / 8));
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step);
}

/** Each model's name beside its newest version, at least a line's height from the next. */
function labels(series: readonly (readonly HistoryPoint[])[], height: number): { name: string; y: number }[] {
  const ends = series.map((points) => points.at(-1)!).sort((a, b) => a.mae - b.mae);
  let free = 0;
  return ends.map(({ name, mae }) => {
    const y = Math.max(mae, free);
    free = y + height;
    return { name, y };
  });
}
