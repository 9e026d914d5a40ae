import { useCallback } from "preact/hooks";
import { api, readAnswer, type Schemas } from "../api/client.ts";
import { CallFailure } from "../components/call-failure.tsx";
import { Dialog } from "../components/dialog.tsx";
import { formatCount, formatDollars, formatTime } from "../components/format.ts";
import { useAnswer } from "../components/use-answer.ts";
import { CardLink } from "./card-link.tsx";
import { formatVersion, type Version } from "./read-models.ts";

/** Number of sources that are listed. */
const MAX_SOURCES = 10;

/** How a version was trained, when it was in service, and a link to its model card. */
export function VersionDialog({ version, onClose }: { version: Version; onClose: () => void }) {
  const read = useCallback((signal: AbortSignal) => readVersion(version, signal), [version]);
  const { data, failure, reload } = useAnswer(read);
  return (
    <Dialog title={formatVersion(version)} onClose={onClose}>
      {failure !== null && <CallFailure failure={failure} onRetry={reload} />}
      {data === null && failure === null && <p role="status">Reading the version …</p>}
      {data !== null && (
        <>
          <VersionFacts record={data.record} />
          <Periods periods={data.periods} />
          {data.record.report === null ? (
            <p>This version has no model card.</p>
          ) : (
            <CardLink version={data.record} path={data.record.report} />
          )}
        </>
      )}
    </Dialog>
  );
}

async function readVersion({ name, version }: Version, signal: AbortSignal) {
  const options = { params: { path: { name, version } }, signal };
  const [record, { periods }] = await Promise.all([
    readAnswer(api.GET("/v1/models/{name}/versions/{version}", options)),
    readAnswer(api.GET("/v1/models/{name}/versions/{version}/alias-periods", options)),
  ]);
  return { record, periods };
}

function VersionFacts({ record }: { record: Schemas["ModelVersion"] }) {
  const rejected = Object.entries(record.rejected).map(([reason, rows]) => `${formatCount(rows)} ${reason}`);
  const facts = [
    ["Decision", record.decision?.reason ?? "none was made"],
    ["Test error", `${formatDollars(record.metrics.mae)} on ${formatCount(record.testRows)} stones`],
    ["Trained", `${formatTime(record.createdAt)}, on ${formatCount(record.trainRows)} stones`],
    ["Sources", describeSources(record.sources)],
    ["Rejected rows", rejected.join(", ") || "none"],
    ["Time to fit", `${record.fitSeconds.toFixed(1)} s of a run of ${record.runSeconds.toFixed(1)} s`],
    ["Run by", record.runBy],
    [
      "Code",
      `Facet ${record.facetVersion}${record.gitCommit ? `, commit ${record.gitCommit.slice(0, 7)}` : ""}`,
    ],
    ["File", `${formatCount(Math.ceil(record.bytes / 1024))} KiB, SHA-256 ${record.sha256.slice(0, 12)}…`],
  ];
  return (
    <dl class="facts">
      {facts.map(([term, text]) => (
        <div key={term}>
          <dt>{term}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Lists the newest sources, oldest first, and says how many are older. */
function describeSources(sources: Schemas["ModelVersion"]["sources"]): string {
  if (sources.length === 0) return "unknown";
  const shown = sources.slice(-MAX_SOURCES).map(({ name, rows }) => `${name} (${formatCount(rows)} stones)`);
  const older = sources.length - shown.length;
  return `${older > 0 ? `${formatCount(older)} older ones, then ` : ""}${shown.join(", ")}`;
}

function Periods({ periods }: { periods: readonly Schemas["AliasPeriod"][] }) {
  if (periods.length === 0) return <p>It was never in service.</p>;
  return (
    <ul class="plain">
      {periods.map(({ alias, role, share, from, until, revision, actor, reason }) => (
        <li key={`${alias} ${role} ${revision}`}>
          {role === "canary" ? `Canary of ${alias}` : alias}
          {share !== null && ` for ${share} %`}, {formatTime(from)} to {until ? formatTime(until) : "now"}, by{" "}
          {actor}: {reason}
        </li>
      ))}
    </ul>
  );
}
