import { axisY, barX, ruleX, text } from "@observablehq/plot";
import type { ExplainedStone } from "../evaluation/explain-examples.ts";
import { formatCompactDollars } from "./format.ts";
import { type Html, html } from "./html.ts";
import { ACCENT, drawPlot, INK, renderFigure } from "./plot.ts";

/** Renders the reasons for the price of a stone, as differences from a typical stone. */
export function renderReasonsPlot({ stone, price, explanation }: ExplainedStone): Html {
  const bars = explanation.reasons.map(({ feature, value, amount }) => ({
    label: formatLabel(feature, value),
    amount,
  }));
  const farthest = Math.max(1, ...bars.map(({ amount }) => Math.abs(amount)));
  const { carat, cut, color, clarity } = stone;
  const svg = drawPlot(`Reasons for the price of a stone of ${carat} carat`, {
    height: 24 + 32 * bars.length,
    marginLeft: 116,
    marginRight: 16,
    marginTop: 8,
    marginBottom: 8,
    // Space for the amounts beside the bars.
    x: { domain: [-1.5 * farthest, 1.5 * farthest], axis: null },
    y: { type: "band", domain: bars.map(({ label }) => label), padding: 0.4 },
    marks: [
      axisY({ tickSize: 0, label: null }),
      barX(bars, { x: "amount", y: "label", fill: ACCENT, rx: 2 }),
      ruleX([0], { stroke: INK, strokeWidth: 0.75 }),
      ...[1, -1].map((side) =>
        text(
          bars.filter(({ amount }) => (amount >= 0 ? 1 : -1) === side),
          {
            x: "amount",
            y: "label",
            text: ({ amount }: { amount: number }) =>
              `${amount < 0 ? "−" : "+"}${formatCompactDollars(Math.abs(amount))}`,
            textAnchor: side === 1 ? "start" : "end",
            dx: 6 * side,
          },
        ),
      ),
    ],
  });
  return renderFigure(
    `${carat} carat, ${cut}, ${color}, ${clarity}`,
    svg,
    html`A typical stone: ${formatCompactDollars(explanation.basePrice)}. With all differences: ${formatCompactDollars(price)}.`,
  );
}

const NAMES: Readonly<Record<string, string>> = { color: "colour" };

function formatLabel(feature: string, value: string): string {
  return feature === "proportions" ? feature : `${NAMES[feature] ?? feature} ${value}`;
}
