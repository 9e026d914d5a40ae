import { useState } from "preact/hooks";
import { formatCount, formatDollars, formatPercent, formatTime } from "../components/format.ts";
import { ScrollArea } from "../components/scroll-area.tsx";
import { formatVersion, type Models, wasChampion } from "./read-models.ts";

const FIRST_ROWS = 12;

/** The newest versions of all models, with their figures on the test stones. */
export function VersionTable({
  data,
  onShow,
  onMove,
}: {
  data: Models;
  onShow: (reference: string) => void;
  onMove: (reference: string) => void;
}) {
  const [showsAll, setShowsAll] = useState(false);
  const versions = data.models
    .flatMap((model) => model.versions)
    .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt) || a.metrics.mae - b.metrics.mae);
  const shown = showsAll ? versions : versions.slice(0, FIRST_ROWS);
  const aliasesOf = (reference: string) =>
    Object.entries(data.aliases).flatMap(([alias, version]) => (version === reference ? [alias] : []));
  return (
    <section>
      <h2>Newest versions</h2>
      <ScrollArea label="Newest versions">
        <table class="versions">
          <thead>
            <tr>
              <th scope="col">Version</th>
              <th scope="col">Trained</th>
              <th scope="col">Test error</th>
              <th scope="col">In percent</th>
              <th scope="col">Within 10 %</th>
              <th scope="col">Training stones</th>
              <th scope="col">Test stones</th>
              <th scope="col">Size</th>
              <th scope="col">
                <span class="visually-hidden">Action</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((version) => {
              const reference = formatVersion(version);
              const aliases = aliasesOf(reference);
              return (
                <tr key={reference}>
                  <th scope="row">
                    <button type="button" class="link" onClick={() => onShow(reference)}>
                      {reference}
                    </button>
                    {aliases.length > 0 && <span class="alias">{aliases.join(", ")}</span>}
                  </th>
                  <td>{formatTime(version.createdAt)}</td>
                  <td>{formatDollars(version.metrics.mae)}</td>
                  <td>{(version.metrics.mape * 100).toFixed(1)}%</td>
                  <td>{formatPercent(version.metrics.within10)}</td>
                  <td>{formatCount(version.trainRows)}</td>
                  <td>{formatCount(version.testRows)}</td>
                  <td>{formatCount(Math.ceil(version.bytes / 1024))} KiB</td>
                  <td>
                    {aliases.includes("champion") ? null : (
                      <button type="button" class="quiet" onClick={() => onMove(reference)}>
                        {wasChampion(data, reference) ? "Roll back to" : "Promote"}{" "}
                        <span class="visually-hidden">{reference}</span>
                      </button>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </ScrollArea>
      {versions.length > FIRST_ROWS && (
        <button type="button" class="quiet" onClick={() => setShowsAll(!showsAll)}>
          {showsAll ? "Show fewer" : `Show all ${versions.length}`}
        </button>
      )}
      {showsAll && data.models.some(({ hasMore }) => hasMore) && (
        <p class="muted">The newest 100 versions of each model. The API has the older ones.</p>
      )}
    </section>
  );
}
