import { dot, plot, ruleX } from "@observablehq/plot";
import { formatDollars } from "../components/format.ts";
import type { Prediction } from "./use-price.ts";

/** Draws the comparable stones and this one, weight against price. */
export function drawScatter(
  { price, range, comparables = [] }: Prediction,
  carat: number,
): SVGElement | HTMLElement {
  const drawing = plot({
    width: 460,
    height: 300,
    marginLeft: 60,
    marginBottom: 44,
    inset: 8,
    style: { background: "none", fontFamily: "inherit", fontSize: "12px" },
    ariaLabel: "Weight and price of the stones like it, and of this stone with its range",
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
  // The content security policy forbids style elements. page.css has these rules.
  for (const style of drawing.querySelectorAll("style")) style.remove();
  // The drawing is one image with one label.
  for (const part of drawing.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
  drawing.setAttribute("role", "img");
  return drawing;
}
