import { axisX, axisY, link, rect, ruleX, text, tickX } from "@observablehq/plot";
import { CARAT_BANDS, caratBand } from "../../src/domain/carat-bands.ts";
import { count } from "./format.ts";
import { type Html, html } from "./html.ts";
import { ACCENT, draw, figure, INK } from "./plot.ts";
import type { PricedTest } from "./prices-plot.ts";

interface Box {
  readonly band: string;
  readonly rows: number;
  /** Relative errors at 5, 25, 50, 75 and 95 % of the stones. */
  readonly quantiles: readonly [number, number, number, number, number];
}

/** How far prices are off by carat band: quantiles of the relative error. */
export function errorsPlot(stones: readonly PricedTest[]): Html {
  const boxes = boxesOf(stones);
  const reach = Math.max(0.1, ...boxes.flatMap((box) => [-box.quantiles[0], box.quantiles[4]])) * 1.05;
  const at = (place: 0 | 1 | 2 | 3 | 4) => (box: Box) => box.quantiles[place];
  const drawing = draw("Relative error of the price by carat band", {
    height: 80 + 72 * boxes.length,
    marginLeft: 64,
    marginRight: 56,
    marginBottom: 44,
    x: { domain: [-reach, reach], tickFormat: "+.0%", label: null, grid: true },
    y: { type: "band", domain: boxes.map((box) => box.band), padding: 0.6, label: null },
    marks: [
      axisX({
        anchor: "bottom",
        tickSize: 0,
        tickFormat: signedPercent,
        label: "← too low     too high →",
        labelAnchor: "center",
        labelArrow: "none",
      }),
      axisY({ tickSize: 0, label: "carat", labelAnchor: "top", labelArrow: "none" }),
      ruleX([0], { stroke: INK, strokeWidth: 0.75 }),
      link(boxes, { x1: at(0), x2: at(4), y1: "band", y2: "band", stroke: ACCENT, strokeWidth: 1.5 }),
      rect(boxes, { x1: at(1), x2: at(3), y: "band", fill: ACCENT, rx: 2 }),
      tickX(boxes, { x: at(2), y: "band", stroke: "var(--paper)", strokeWidth: 2 }),
      text(boxes, {
        y: "band",
        frameAnchor: "right",
        text: (box: Box) => count(box.rows),
        textAnchor: "start",
        dx: 10,
        fill: "var(--muted)",
      }),
      text(["stones"], {
        frameAnchor: "top-right",
        textAnchor: "start",
        dx: 10,
        dy: -20,
        fill: "var(--muted)",
      }),
    ],
  });
  return figure(
    "How far off, by weight",
    drawing,
    html`The wide bar holds the middle half of the stones, the thin line nine of ten, the gap in the bar is the middle stone. Right of 0 the model asks more than the real price, left of it less.`,
  );
}

function boxesOf(stones: readonly PricedTest[]): Box[] {
  return CARAT_BANDS.flatMap(({ name }) => {
    const errors = stones
      .filter((stone) => caratBand(stone.carat) === name)
      .map(({ actual, predicted }) => (predicted - actual) / actual)
      .sort((a, b) => a - b);
    if (errors.length === 0) return [];
    const at = (share: number) => quantile(errors, share);
    return [
      { band: name, rows: errors.length, quantiles: [at(0.05), at(0.25), at(0.5), at(0.75), at(0.95)] },
    ];
  });
}

/** Of sorted values, linear between two of them. */
function quantile(sorted: readonly number[], share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)]!;
  return below + (sorted[Math.ceil(place)]! - below) * (place % 1);
}

function signedPercent(fraction: number): string {
  const value = Math.round(100 * fraction);
  return value === 0 ? "0" : `${value < 0 ? "−" : "+"}${Math.abs(value)} %`;
}
