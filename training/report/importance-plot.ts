import { axisY, barX, text } from "@observablehq/plot";
import type { Importance } from "../../src/domain/model-record.ts";
import { columnName, dollars } from "./format.ts";
import { type Html, html } from "./html.ts";
import { ACCENT, draw, figure } from "./plot.ts";

interface Bar {
  readonly name: string;
  /** US dollars that the mean error grows by without it. */
  readonly growth: number;
}

/** What the price leans on: how much worse it becomes without each property, the largest first. */
export function importancePlot({ permutation }: Importance): Html {
  const bars = Object.entries(permutation)
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .map(([name, growth]): Bar => ({ name: columnName(name), growth }));
  const drawing = draw("Growth of the mean error without each property", {
    height: 20 + 29 * bars.length,
    marginLeft: 116,
    marginRight: 76,
    marginTop: 10,
    marginBottom: 10,
    x: { axis: null },
    y: { type: "band", domain: bars.map(({ name }) => name), padding: 0.4 },
    marks: [
      axisY({ tickSize: 0, label: null }),
      barX(bars, { x: ({ growth }: Bar) => Math.max(growth, 0), y: "name", fill: ACCENT, rx: 2 }),
      text(bars, {
        x: ({ growth }: Bar) => Math.max(growth, 0),
        y: "name",
        text: ({ growth }: Bar) => (growth < 0 ? `−${dollars(-growth)}` : `+${dollars(growth)}`),
        textAnchor: "start",
        dx: 6,
      }),
    ],
  });
  return figure(
    "What the price leans on",
    drawing,
    html`By how much the mean error grows when the model is told a wrong value of this property (that of another stone) and the right ones of all others. Properties that say the same, such as weight and size, can stand in for one another.`,
  );
}
