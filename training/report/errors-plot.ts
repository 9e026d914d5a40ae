import { axisX, axisY, link, rect, ruleX, text, tickX } from "@observablehq/plot";
import { CARAT_BANDS, findCaratBand } from "../../src/domain/carat-bands.ts";
import { formatCount } from "./format.ts";
import { type Html, html } from "./html.ts";
import { ACCENT, drawPlot, INK, renderFigure } from "./plot.ts";
import type { TestPrice } from "./prices-plot.ts";

/** The errors of one carat band: a bar from the 25 % to the 75 % quantile, and a line from 5 % to 95 %. */
interface BandErrors {
  readonly band: string;
  readonly rows: number;
  /** The 5, 25, 50, 75 and 95 % quantiles of the relative errors. */
  readonly quantiles: readonly [number, number, number, number, number];
}

/** Renders the quantiles of the relative error per carat band. */
export function renderErrorsPlot(stones: readonly TestPrice[]): Html {
  const bands = computeBandErrors(stones);
  const maxError = Math.max(0.1, ...bands.flatMap(({ quantiles }) => [-quantiles[0], quantiles[4]])) * 1.05;
  const getQuantile = (index: 0 | 1 | 2 | 3 | 4) => (band: BandErrors) => band.quantiles[index];
  const svg = drawPlot("Relative error of the price by carat band", {
    height: 80 + 72 * bands.length,
    marginLeft: 64,
    marginRight: 56,
    marginBottom: 44,
    x: { domain: [-maxError, maxError], tickFormat: "+.0%", label: null, grid: true },
    y: { type: "band", domain: bands.map(({ band }) => band), padding: 0.6, label: null },
    marks: [
      axisX({
        anchor: "bottom",
        tickSize: 0,
        tickFormat: formatSignedPercent,
        label: "← too low     too high →",
        labelAnchor: "center",
        labelArrow: "none",
      }),
      axisY({ tickSize: 0, label: "carat", labelAnchor: "top", labelArrow: "none" }),
      ruleX([0], { stroke: INK, strokeWidth: 0.75 }),
      link(bands, {
        x1: getQuantile(0),
        x2: getQuantile(4),
        y1: "band",
        y2: "band",
        stroke: ACCENT,
        strokeWidth: 1.5,
      }),
      rect(bands, { x1: getQuantile(1), x2: getQuantile(3), y: "band", fill: ACCENT, rx: 2 }),
      tickX(bands, { x: getQuantile(2), y: "band", stroke: "var(--paper)", strokeWidth: 2 }),
      text(bands, {
        y: "band",
        frameAnchor: "right",
        text: (band: BandErrors) => formatCount(band.rows),
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
  return renderFigure(
    "Error by weight",
    svg,
    html`The wide bar covers the middle half of the stones. The thin line covers nine of ten stones. The gap in the bar is the median: half of the stones are to the left of it. To the right of 0 the model's price is higher than the real price, to the left it is lower.`,
  );
}

function computeBandErrors(stones: readonly TestPrice[]): BandErrors[] {
  return CARAT_BANDS.flatMap(({ name }) => {
    const errors = stones
      .filter((stone) => findCaratBand(stone.carat) === name)
      .map(({ actual, predicted }) => (predicted - actual) / actual)
      .sort((a, b) => a - b);
    if (errors.length === 0) return [];
    const at = (fraction: number) => computeQuantile(errors, fraction);
    return [
      { band: name, rows: errors.length, quantiles: [at(0.05), at(0.25), at(0.5), at(0.75), at(0.95)] },
    ];
  });
}

/** Computes a quantile of sorted values. Between two values it interpolates linearly. */
function computeQuantile(sorted: readonly number[], fraction: number): number {
  const position = fraction * (sorted.length - 1);
  const below = sorted[Math.floor(position)]!;
  return below + (sorted[Math.ceil(position)]! - below) * (position % 1);
}

function formatSignedPercent(fraction: number): string {
  const value = Math.round(100 * fraction);
  return value === 0 ? "0" : `${value < 0 ? "−" : "+"}${Math.abs(value)} %`;
}
