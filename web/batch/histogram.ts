import { binX, rectY } from "@observablehq/plot";
import { formatDollars } from "../components/format.ts";
import { drawPlot } from "../components/plot.ts";

/** Draws how many stones have which price. */
export function drawHistogram(prices: readonly number[], width: number): SVGElement | HTMLElement {
  return drawPlot("Number of stones by price", {
    width,
    height: 220,
    x: { label: "price", tickFormat: (value: number) => formatDollars(value), ticks: 5 },
    y: { label: "stones", grid: true },
    marks: [rectY(prices, { ...binX({ y: "count" }), fill: "var(--accent)", inset: 0.5 })],
  });
}
