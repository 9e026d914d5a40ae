import { CARAT_BANDS } from "../../src/domain/carat-bands.ts";
import type { Schemas } from "../api/client.ts";
import { formatCount, formatDifference, formatDollars } from "../components/format.ts";
import { ScrollArea } from "../components/scroll-area.tsx";
import { formatVersion, type Version } from "./read-models.ts";

type Figures = Schemas["Figures"];

const FIGURES = [
  { name: "mae", label: "Test error", format: formatDollars, smallerIsBetter: true },
  { name: "mape", label: "In percent", format: formatOneDecimal, smallerIsBetter: true },
  { name: "within10", label: "Within 10 %", format: formatOneDecimal, smallerIsBetter: false },
] as const;

/**
 * The figures of two versions by band of weight. The better one of each pair is bold.
 * @param isShort shows only the test error
 */
export function FigureTable({
  left,
  right,
  isShort = false,
}: {
  left: Version;
  right: Version;
  isShort?: boolean;
}) {
  const figures = isShort ? FIGURES.slice(0, 1) : FIGURES;
  const rows = [
    { label: "All stones", left: left.metrics, right: right.metrics },
    ...CARAT_BANDS.flatMap(({ name }) => {
      const [ofLeft, ofRight] = [left.metrics.bands[name], right.metrics.bands[name]];
      return ofLeft && ofRight ? [{ label: `${name} ct`, left: ofLeft, right: ofRight }] : [];
    }),
  ];
  return (
    <>
      <ScrollArea label="Figures by weight">
        <table class="figures">
          <thead>
            <tr>
              <th scope="col" rowSpan={2}>
                Weight
              </th>
              <th scope="col" rowSpan={2}>
                Stones
              </th>
              {figures.map(({ name, label }) => (
                <th key={name} scope="colgroup" colSpan={name === "mae" ? 3 : 2}>
                  {label}
                </th>
              ))}
            </tr>
            <tr>
              {figures.flatMap(({ name }) => [
                <th key={`left ${name}`} scope="col">
                  {formatVersion(left)}
                </th>,
                <th key={`right ${name}`} scope="col">
                  {formatVersion(right)}
                </th>,
                ...(name === "mae"
                  ? [
                      <th key="difference" scope="col">
                        Difference
                      </th>,
                    ]
                  : []),
              ])}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.label}>
                <th scope="row">{row.label}</th>
                <td>{formatStones(row.left, row.right)}</td>
                {figures.flatMap((figure) => [
                  <FigureCell key={`left ${figure.name}`} figure={figure} of={row.left} other={row.right} />,
                  <FigureCell key={`right ${figure.name}`} figure={figure} of={row.right} other={row.left} />,
                  ...(figure.name === "mae"
                    ? [<td key="difference">{formatDifference(row.right.mae - row.left.mae)}</td>]
                    : []),
                ])}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollArea>
      {left.dataset !== right.dataset && (
        <p class="muted">
          The two were trained on different datasets, so their test stones differ too: small differences can
          be chance.
        </p>
      )}
    </>
  );
}

function FigureCell({
  figure,
  of,
  other,
}: {
  figure: (typeof FIGURES)[number];
  of: Figures;
  other: Figures;
}) {
  const text = figure.format(of[figure.name]);
  const isBetter = figure.smallerIsBetter
    ? of[figure.name] < other[figure.name]
    : of[figure.name] > other[figure.name];
  return <td>{isBetter ? <strong>{text}</strong> : text}</td>;
}

function formatOneDecimal(fraction: number): string {
  return `${(fraction * 100).toFixed(1)}%`;
}

function formatStones(left: Figures, right: Figures): string {
  return left.rows === right.rows
    ? formatCount(left.rows)
    : `${formatCount(left.rows)} / ${formatCount(right.rows)}`;
}
