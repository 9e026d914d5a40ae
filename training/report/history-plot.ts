import { dot, line, text } from "@observablehq/plot";
import { formatVersion } from "../../src/domain/models/model-reference.ts";
import { truncate } from "../../src/lib/truncate.ts";
import { formatCompactDollars } from "./format.ts";
import { type Html, html } from "./html.ts";
import { drawPlot, INK, renderFigure, SERIES_COLORS } from "./plot.ts";

/** A model version and its test MAE in US dollars at the time of training. */
export interface HistoryPoint {
  readonly name: string;
  readonly version: number;
  readonly mae: number;
  readonly createdAt: string;
}

const MAX_VERSIONS_PER_MODEL = 50;
/** Longest label of a line. Longer names are shortened. */
const MAX_LABEL_CHARACTERS = 26;
/** Approximate width of one character. */
const CHARACTER_WIDTH_PX = 7;

/** Renders the test MAE of all versions, one line per model. */
export function renderHistoryPlot(points: readonly HistoryPoint[], current: HistoryPoint): Html {
  const others = points.filter((point) => formatVersion(point) !== formatVersion(current));
  const all = [...others, current].sort((a, b) => a.version - b.version);
  // Sorted names give each model the same color on every card.
  const names = [...new Set(all.map((point) => point.name))].sort();
  const series = names.map((name) =>
    all.filter((point) => point.name === name).slice(-MAX_VERSIONS_PER_MODEL),
  );
  const shown = series.flat();
  const highest = shown.reduce((high, point) => Math.max(high, point.mae), 0);
  const versions = shown.map((point) => point.version);
  const [first, last] = [Math.min(...versions), Math.max(...versions)];
  const svg = drawPlot("Mean absolute error of each model's versions", {
    height: 320,
    marginTop: 30,
    marginLeft: 52,
    marginRight:
      22 + CHARACTER_WIDTH_PX * Math.max(...names.map((name) => truncate(name, MAX_LABEL_CHARACTERS).length)),
    marginBottom: 44,
    x: {
      domain: first === last ? [first - 1, last + 1] : [first, last],
      ticks: chooseIntegerTicks(first, last),
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
    color: { domain: names, range: names.map((_, i) => SERIES_COLORS[i % SERIES_COLORS.length]!) },
    marks: [
      line(shown, { x: "version", y: "mae", z: "name", stroke: "name", strokeWidth: 1.5 }),
      dot(shown, { x: "version", y: "mae", fill: "name", r: shown.length > 40 ? 1.5 : 3 }),
      dot([current], { x: "version", y: "mae", stroke: INK, strokeWidth: 1.5, r: 6 }),
      text(placeLabels(series, highest / 18), {
        x: last,
        y: "y",
        text: ({ name }: { name: string }) => truncate(name, MAX_LABEL_CHARACTERS),
        fill: "name",
        textAnchor: "start",
        dx: 14,
      }),
    ],
  });
  return renderFigure(
    "All versions",
    svg,
    html`The mean error (MAE) of each version on its own test stones at the time of training. Lower is better. The ring marks this version, with ${formatCompactDollars(current.mae)}.`,
  );
}

/** Chooses at most nine integer ticks from first to last. */
function chooseIntegerTicks(first: number, last: number): number[] {
  const step = Math.max(1, Math.ceil((last - first) / 8));
  return Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, i) => first + i * step);
}

/**
 * Places each model's name beside its newest version, without overlaps.
 * @param labelHeight height of a label, in US dollars on the y axis
 */
function placeLabels(
  series: readonly (readonly HistoryPoint[])[],
  labelHeight: number,
): { name: string; y: number }[] {
  const ends = series.map((points) => points.at(-1)!).sort((a, b) => a.mae - b.mae);
  let lowestFreeY = 0;
  return ends.map(({ name, mae }) => {
    const y = Math.max(mae, lowestFreeY);
    lowestFreeY = y + labelHeight;
    return { name, y };
  });
}
