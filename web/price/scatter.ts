import { dot, ruleX } from "@observablehq/plot";
import { formatDollars } from "../components/format.ts";
import { drawPlot } from "../components/plot.ts";
import type { Prediction } from "./use-price.ts";

/** Draws the comparable stones and this one, weight against price. */
export function drawScatter(
  { price, range, comparables = [] }: Prediction,
  carat: number,
  width: number,
): SVGElement | HTMLElement {
  return drawPlot("Weight and price of the stones like it, and of this stone with its range", {
    width,
    x: { label: "weight (ct)", nice: true },
    y: { label: "price", tickFormat: (value: number) => formatDollars(value), nice: true, grid: true },
    marks: [
      dot(comparables, {
        x: "carat",
        y: "price",
        stroke: "var(--muted)",
        title: (stone) => `${stone.carat} ct, ${stone.x} × ${stone.y} mm, ${formatDollars(stone.price)}`,
      }),
      ...(range === null
        ? []
        : [ruleX([carat], { y1: range.low, y2: range.high, stroke: "var(--accent)", strokeWidth: 3 })]),
      dot([{ carat, price }], { x: "carat", y: "price", fill: "var(--accent)", r: 5 }),
    ],
  });
}
