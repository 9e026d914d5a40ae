import { DRIFT_THRESHOLDS } from "../../src/domain/monitoring.ts";
import type { Schemas } from "../api/client.ts";
import { Gauge } from "../components/gauge.tsx";
import { formatNoun } from "./format.ts";

type VerdictText =
  | Schemas["Drift"]["verdict"]
  | Schemas["LiveError"]["verdict"]
  | Schemas["LiveCoverage"]["verdict"]
  | Schemas["ExpectedError"]["verdict"];

/** A population stability index with a full bar: twice the one of significant drift. */
const GAUGE_MAX = 2 * DRIFT_THRESHOLDS.significant;

/** An empty circle is good, a full one is bad. */
const MARKS: Readonly<Record<VerdictText, string>> = {
  stable: "○",
  moderate: "◐",
  significant: "●",
  "as tested": "○",
  "worse than tested": "●",
  "as expected": "○",
  "worse than expected": "●",
  "as promised": "○",
  "below promised": "●",
  "not enough data": "–",
};

/** A verdict of monitoring in words, with a mark before it. */
export function Verdict({ verdict }: { verdict: VerdictText }) {
  const mark = MARKS[verdict];
  return (
    <span class={mark === "●" ? "verdict bad" : "verdict"}>
      <span aria-hidden="true">{mark}</span> {verdict}
    </span>
  );
}

/** How far each column of the requested stones is from the training stones. */
export function DriftStrip({ drift }: { drift: Schemas["ModelTraffic"]["drift"] }) {
  if (drift === null) return <p>Drift: this version has no training histograms to compare with.</p>;
  return (
    <>
      <p class="small muted prose">
        Drift by column, as population stability index (PSI): how much the stones that were asked for differ
        from the training stones. Stable below {DRIFT_THRESHOLDS.moderate}, significant from{" "}
        {DRIFT_THRESHOLDS.significant}. Values that Facet fills in are not counted.
      </p>
      <ul class="drift" aria-label="Drift by column">
        {Object.entries(drift).map(([column, { psi, stones, verdict }]) => (
          <li key={column}>
            <span>{column}</span>
            <span class="psi">{psi === null ? "–" : psi.toFixed(2)}</span>
            {psi !== null && <Gauge value={psi} max={GAUGE_MAX} marks={Object.values(DRIFT_THRESHOLDS)} />}
            <Verdict verdict={verdict} />
            <span class="small muted">{formatNoun(stones, "stone")}</span>
          </li>
        ))}
      </ul>
    </>
  );
}
