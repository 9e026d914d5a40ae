import type { ComponentChildren } from "preact";
import type { Schemas } from "../api/client.ts";
import { formatCount, formatDollars } from "../components/format.ts";
import { Gauge } from "../components/gauge.tsx";
import { DriftStrip, Verdict } from "./drift-strip.tsx";
import { formatNoun, formatShare } from "./format.ts";

/** What one model version answered, how well its prices met the sale prices, and its drift. */
export function ModelVersion({ model }: { model: Schemas["ModelTraffic"] }) {
  const { name, version, requests, live, coverage, expected, drift } = model;
  const id = `version-${name}-${version}`;
  return (
    <article aria-labelledby={id}>
      <h3 id={id}>
        {name}@{version}
      </h3>
      <dl class="facts">
        <Fact name="Requests" value={formatCount(requests)} />
        <Fact name="Live error" value={live.mae === null ? "–" : formatDollars(live.mae)}>
          {live.stones === 0 ? "no sale price reported" : formatNoun(live.stones, "sale price")}
        </Fact>
        <Fact name="Test error" value={live.testMae === null ? "–" : formatDollars(live.testMae)}>
          live: <Verdict verdict={live.verdict} />
        </Fact>
        <Fact name="Expected error" value={expected.mae === null ? "–" : formatDollars(expected.mae)}>
          live: <Verdict verdict={expected.verdict} />
        </Fact>
        <Fact name="Coverage" value={coverage.coverage === null ? "–" : formatShare(coverage.coverage)}>
          {coverage.coverage !== null && coverage.promised !== null && (
            <>
              <Gauge value={coverage.coverage} max={1} marks={[coverage.promised]} />
              {formatCount(coverage.inRange)} of {formatNoun(coverage.stones, "stone")};{" "}
              {formatShare(coverage.promised)} promised:{" "}
            </>
          )}
          <Verdict verdict={coverage.verdict} />
        </Fact>
      </dl>
      <DriftStrip drift={drift} />
    </article>
  );
}

function Fact({ name, value, children }: { name: string; value: string; children?: ComponentChildren }) {
  return (
    <div>
      <dt class="small muted">{name}</dt>
      <dd>
        {value}
        {children && <span class="small">{children}</span>}
      </dd>
    </div>
  );
}
