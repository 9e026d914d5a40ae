import { axisY, barX, text } from "@observablehq/plot";
import type { Importance } from "../../src/domain/models/model-record.ts";
import { formatColumnName, formatCompactDollars } from "./format.ts";
import { type Html, html } from "./html.ts";
import { ACCENT, drawPlot, renderFigure } from "./plot.ts";

interface Bar {
  readonly name: string;
  /** Increase of the mean error in US dollars if the values are shuffled. */
  readonly increase: number;
}

/** Renders the permutation importance of each property, the most important first. */
export function renderImportancePlot({ permutation }: Importance): Html {
  const bars = Object.entries(permutation)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([name, increase]): Bar => ({ name: formatColumnName(name), increase }));
  const svg = drawPlot("Increase of the mean error without each property", {
    height: 20 + 29 * bars.length,
    marginLeft: 116,
    marginRight: 76,
    marginTop: 10,
    marginBottom: 10,
    x: { axis: null },
    y: { type: "band", domain: bars.map(({ name }) => name), padding: 0.4 },
    marks: [
      axisY({ tickSize: 0, label: null }),
      barX(bars, { x: ({ increase }: Bar) => Math.max(increase, 0), y: "name", fill: ACCENT, rx: 2 }),
      text(bars, {
        x: ({ increase }: Bar) => Math.max(increase, 0),
        y: "name",
        text: ({ increase }: Bar) =>
          increase < 0 ? `−${formatCompactDollars(-increase)}` : `+${formatCompactDollars(increase)}`,
        textAnchor: "start",
        dx: 6,
      }),
    ],
  });
  return renderFigure(
    "Importance of each property",
    svg,
    html`The increase of the mean error if the model gets the value of another stone for this property, and the correct values for all other properties. A property can look less important than it is if another one contains the same information, as weight and size do.`,
  );
}
