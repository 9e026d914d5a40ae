import { areaY, dot, line, text } from "@observablehq/plot";
import { formatCount } from "./format.ts";
import { type Html, html } from "./html.ts";
import { ACCENT, drawPlot, FAINT, INK, PLOT_WIDTH_PX, renderFigure } from "./plot.ts";

/** A test stone: its weight in carats, its real price and the model's price in US dollars. */
export interface TestPrice {
  readonly carat: number;
  readonly actual: number;
  readonly predicted: number;
}

const MAX_DOTS = 2000;
const TICKS = [1, 2, 5].flatMap((digit) => [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8].map((p) => digit * p));

/** Renders the model's price against the real price, one dot per stone. */
export function renderPricesPlot(stones: readonly TestPrice[]): Html {
  const shown = sampleStones(stones);
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
  // The area within 10 % of the real price, clipped at the frame.
  const tenPercentArea = [low, low / 0.9, high / 1.1, high].map((x) => ({
    x,
    below: Math.max(low, 0.9 * x),
    above: Math.min(high, 1.1 * x),
  }));
  const svg = drawPlot("The model's price and the real price of each test stone", {
    height: PLOT_WIDTH_PX,
    marginLeft: 64,
    marginBottom: 44,
    marginRight: 12,
    x: { ...axis, label: "real price →", labelAnchor: "right", labelArrow: "none" },
    y: { ...axis, label: "↑ the model's price", labelArrow: "none" },
    marks: [
      areaY(tenPercentArea, { x: "x", y1: "below", y2: "above", fill: FAINT }),
      dot(shown, { x: "actual", y: "predicted", r: 1.5, fill: ACCENT, fillOpacity: 0.45 }),
      line([low, high], { x: (v) => v, y: (v) => v, stroke: INK, strokeWidth: 1 }),
      [tenPercentArea.slice(1), tenPercentArea.slice(0, -1)].map((edge, i) =>
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
        text: () => "exact price",
        textAnchor: "start",
        dx: 16,
        dy: 6,
        fill: "var(--muted)",
      }),
    ],
  });
  const selection =
    shown.length < stones.length
      ? `${formatCount(shown.length)} of the ${formatCount(stones.length)} test stones, evenly spread over all prices.`
      : `All ${formatCount(stones.length)} test stones.`;
  return renderFigure(
    "The model's price and the real price",
    svg,
    html`${selection} The model was not trained on them. A dot on the thick line has exactly the real price. A dot between the thin lines is within 10 % of the real price. The scale is logarithmic: equal distances are equal ratios of prices.`,
  );
}

/** Selects stones at equal steps in the order of price. The order of the input does not change the result. */
function sampleStones(stones: readonly TestPrice[]): readonly TestPrice[] {
  const ordered = [...stones].sort((a, b) => a.actual - b.actual || a.predicted - b.predicted);
  if (ordered.length <= MAX_DOTS) return ordered;
  return Array.from(
    { length: MAX_DOTS },
    (_, i) => ordered[Math.floor(((i + 0.5) * ordered.length) / MAX_DOTS)]!,
  );
}
