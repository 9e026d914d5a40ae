import { areaY, dot, line, text } from "@observablehq/plot";
import { count } from "./format.ts";
import { type Html, html } from "./html.ts";
import { ACCENT, draw, FAINT, figure, INK, WIDTH } from "./plot.ts";

/** A test stone: its weight in carats, its price and the model's, US dollars. */
export interface PricedTest {
  readonly carat: number;
  readonly actual: number;
  readonly predicted: number;
}

const SHOWN = 2000;
const TICKS = [1, 2, 5].flatMap((digit) => [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8].map((p) => digit * p));

/** The model's price against the real one, a dot a stone. */
export function pricesPlot(stones: readonly PricedTest[]): Html {
  const shown = sample(stones);
  const prices = stones.flatMap(({ actual, predicted }) => [actual, predicted]);
  const low = prices.reduce((a, b) => Math.min(a, b)) * 0.9;
  const high = prices.reduce((a, b) => Math.max(a, b)) * 1.1;
  const axis = {
    type: "log",
    domain: [low, high],
    ticks: TICKS.filter((tick) => tick >= low && tick <= high),
    tickFormat: "$,.0f",
    tickSize: 0,
    grid: true,
  } as const;
  // Within 10 % of the real price, cut off at the frame.
  const lane = [low, low / 0.9, high / 1.1, high].map((x) => ({
    x,
    below: Math.max(low, 0.9 * x),
    above: Math.min(high, 1.1 * x),
  }));
  const drawing = draw("Price by the model against the real price of each test stone", {
    height: WIDTH,
    marginLeft: 64,
    marginBottom: 44,
    marginRight: 12,
    x: { ...axis, label: "real price →", labelAnchor: "right", labelArrow: "none" },
    y: { ...axis, label: "↑ the model's price", labelArrow: "none" },
    marks: [
      areaY(lane, { x: "x", y1: "below", y2: "above", fill: FAINT }),
      dot(shown, { x: "actual", y: "predicted", r: 1.5, fill: ACCENT, fillOpacity: 0.45 }),
      line([low, high], { x: (v) => v, y: (v) => v, stroke: INK, strokeWidth: 1 }),
      [lane.slice(1), lane.slice(0, -1)].map((edge, i) =>
        line(edge, {
          x: "x",
          y: i === 0 ? "below" : "above",
          stroke: INK,
          strokeWidth: 0.5,
          strokeOpacity: 0.5,
        }),
      ),
      text([low], {
        x: (v) => v * 1.3,
        y: (v) => v * 1.3,
        text: () => "exactly right",
        textAnchor: "start",
        dx: 16,
        dy: 6,
        fill: "var(--muted)",
      }),
    ],
  });
  const which =
    shown.length < stones.length
      ? `${count(shown.length)} of the ${count(stones.length)} test stones, evenly over all prices.`
      : `All ${count(stones.length)} test stones.`;
  return figure(
    "The model's price against the real one",
    drawing,
    html`${which} The model never saw them while it learned. A dot on the line is priced exactly right; a dot between the thin lines is within 10 % of its real price. Each grid line is a multiple of the one before.`,
  );
}

/** Stones at even steps through all of them in order of price: the same for the same stones in any order. */
function sample(stones: readonly PricedTest[]): readonly PricedTest[] {
  const ordered = [...stones].sort((a, b) => a.actual - b.actual || a.predicted - b.predicted);
  if (ordered.length <= SHOWN) return ordered;
  return Array.from({ length: SHOWN }, (_, i) => ordered[Math.floor(((i + 0.5) * ordered.length) / SHOWN)]!);
}
