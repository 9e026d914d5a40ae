import { dot, lineY, ruleY, text } from "@observablehq/plot";
import { drawPlot } from "../../training/report/plot.ts";
import { computeGrowthExponent } from "../support/growth.ts";
import type { Series } from "../support/results.ts";

const COLUMNS = 3;
const WIDTH_PX = 840;
const ROW_HEIGHT_PX = 190;
/** Readable on a white and on a dark page. */
const INK = "#7a7f87";
const ACCENT = "#2f81f7";

/**
 * Draws how times grow with sizes, one small plot for each series: both axes logarithmic and relative to the
 * smallest size. The dashed line is a time in proportion to the size.
 * @returns an SVG file
 */
export function drawGrowth(all: readonly Series[]): string {
  const getCell = (i: number) => ({ fx: i % COLUMNS, fy: Math.floor(i / COLUMNS) });
  const points = all.flatMap((series, i) =>
    series.points.map(({ size, ms }) => ({
      ...getCell(i),
      size: size / series.points[0]!.size,
      ms: ms / series.points[0]!.ms,
    })),
  );
  const proportional = all.flatMap((series, i) => {
    const largest = series.points.at(-1)!.size / series.points[0]!.size;
    return [1, largest].map((size) => ({ ...getCell(i), size, ms: size }));
  });
  const titles = all.map((series, i) => ({
    ...getCell(i),
    label: `${series.name} (${computeGrowthExponent(series.points).toFixed(2)})`,
  }));
  const position = { x: "size", y: "ms", fx: "fx", fy: "fy" } as const;
  const svg = drawPlot("How the times grow with the amount of data", {
    width: WIDTH_PX,
    height: ROW_HEIGHT_PX * Math.ceil(all.length / COLUMNS),
    marginTop: 40,
    marginLeft: 50,
    style: {
      fontFamily: "sans-serif",
      fontSize: "12px",
      background: "none",
      color: INK,
      overflow: "visible",
    },
    x: { type: "log", label: "size, relative to the smallest", ticks: [1, 10, 100, 1000], tickFormat: "," },
    y: { type: "log", label: "time, relative", ticks: [1, 10, 100, 1000], tickFormat: ",", grid: true },
    fx: { axis: null },
    fy: { axis: null, padding: 0.3 },
    marks: [
      ruleY([1], { stroke: INK, strokeOpacity: 0.5 }),
      lineY(proportional, { ...position, stroke: INK, strokeDasharray: "3,4" }),
      lineY(points, { ...position, stroke: ACCENT, strokeWidth: 2 }),
      dot(points, { ...position, fill: ACCENT, r: 3 }),
      text(titles, { fx: "fx", fy: "fy", text: "label", frameAnchor: "top-left", dy: -14, fill: INK }),
    ],
  });
  return String(svg).replace(/^<svg (?!.*?xmlns=)/, '<svg xmlns="http://www.w3.org/2000/svg" ');
}
