import { dot, line, text } from "@observablehq/plot";
import { formatDollars } from "../components/format.ts";
import { drawPlot } from "../components/plot.ts";
import { formatVersion, type Models } from "./read-models.ts";

/** Models differ in colour and in the dashes of their lines. */
const LINES = [
  { color: "var(--accent)", dashes: "none" },
  { color: "var(--second)", dashes: "6 3" },
  { color: "var(--muted)", dashes: "2 3" },
] as const;

/** Draws the test error of all versions, a line for each model. The champion has a ring. */
export function drawErrorChart({ models, aliases }: Models, width: number): SVGElement | HTMLElement {
  const lowest = Math.min(...models.map(({ versions }) => versions[0]?.metrics.mae ?? Number.NaN));
  const lines = models.map(({ versions }, i) => ({
    // Below the lowest line there is room for its name.
    isLowest: versions[0]?.metrics.mae === lowest,
    ...(LINES[i % LINES.length] ?? LINES[0]),
    points: versions.toReversed().map((version) => ({
      version: version.version,
      mae: version.metrics.mae,
      name: version.name,
      reference: formatVersion(version),
    })),
  }));
  const points = lines.flatMap((one) => one.points);
  const newest = Math.max(...points.map(({ version }) => version));
  const oldest = Math.min(...points.map(({ version }) => version));
  return drawPlot("Test error of each model over its versions, with the champion marked by a ring", {
    width,
    height: 320,
    marginTop: 30,
    x: {
      label: "version",
      domain: [oldest - 0.5, newest + 0.5],
      ticks: Math.min(newest - oldest + 1, 10),
      tickFormat: (version: number) => (Number.isInteger(version) ? String(version) : ""),
    },
    y: {
      label: "test error (MAE)",
      tickFormat: (mae: number) => formatDollars(mae),
      grid: true,
      nice: true,
      zero: true,
    },
    marks: lines.flatMap(({ color, dashes, isLowest, points: ofModel }) => [
      line(ofModel, { x: "version", y: "mae", stroke: color, strokeDasharray: dashes }),
      dot(ofModel, {
        x: "version",
        y: "mae",
        fill: color,
        r: 3.5,
        title: ({ reference, mae }) => `${reference}: ${formatDollars(mae)}`,
      }),
      dot(
        ofModel.filter(({ reference }) => reference === aliases.champion),
        { x: "version", y: "mae", stroke: color, r: 8, strokeWidth: 1.5 },
      ),
      text(ofModel.slice(-1), {
        x: "version",
        y: "mae",
        text: ({ name, reference }) => (reference === aliases.champion ? `${name}, champion` : name),
        fill: color,
        textAnchor: newest === oldest ? "middle" : "end",
        dy: isLowest ? 18 : -14,
      }),
      text(
        ofModel.slice(0, -1).filter(({ reference }) => reference === aliases.champion),
        { x: "version", y: "mae", text: () => "champion", fill: color, dy: isLowest ? -14 : 18 },
      ),
    ]),
  });
}
