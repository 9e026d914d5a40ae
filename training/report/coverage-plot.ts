import { axisX, axisY, dot, ruleY } from "@observablehq/plot";
import { CARAT_BANDS } from "../../src/domain/carat-bands.ts";
import type { CalibratedGroup } from "../../src/domain/prediction/calibration.ts";
import { formatPercent } from "./format.ts";
import { type Html, html } from "./html.ts";
import { ACCENT, drawPlot, INK, renderFigure } from "./plot.ts";

/** Renders the measured coverage of the ranges per carat band, beside the promised one. */
export function renderCoveragePlot(title: string, { test }: CalibratedGroup): Html {
  const bands = CARAT_BANDS.flatMap(({ name }) => (test.bands[name] ? [{ name, ...test.bands[name] }] : []));
  const points = bands.flatMap(({ name, coverages }) => coverages.map((figures) => ({ name, ...figures })));
  const promised = test.coverages.map(({ coverage }) => coverage);
  const lowest = Math.min(...promised, ...points.map(({ measured }) => measured));
  const svg = drawPlot(`Measured coverage of the ranges by carat band: ${title}`, {
    height: 320,
    marginLeft: 56,
    marginRight: 16,
    marginBottom: 44,
    marginTop: 28,
    x: { type: "point", domain: bands.map(({ name }) => name), padding: 0.5, label: null },
    y: { domain: [Math.max(0, lowest - 0.05), 1], label: null },
    marks: [
      axisX({ anchor: "bottom", tickSize: 0, label: "carat", labelAnchor: "right", labelArrow: "none" }),
      axisY(promised, { tickSize: 0, tickFormat: (value: number) => formatPercent(value, 0) }),
      ruleY(promised, { stroke: INK, strokeWidth: 0.75 }),
      dot(points, { x: "name", y: "measured", fill: ACCENT, r: 4 }),
    ],
  });
  return renderFigure(
    title,
    svg,
    html`A line is a promise: so many of the real prices should be in the range. A dot is the fraction of the test stones of that weight whose real price was in it. A dot above its line means that the range is wider than it need be, a dot below it that the range is too narrow.`,
  );
}
