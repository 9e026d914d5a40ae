import { formatDollars, formatTime } from "../components/format.ts";
import { ScrollArea } from "../components/scroll-area.tsx";
import { type Champion, findVersion, formatVersion, type Models } from "./read-models.ts";

/** Which version is in service, since when and why. */
export function ChampionNow({ data }: { data: Models }) {
  const { champion, aliases } = data;
  const others = Object.entries(aliases).filter(([alias]) => alias !== "champion");
  if (champion === null)
    return <p class="failure">No version is in service: prices need one. Choose a version below.</p>;
  const reference = formatVersion(champion);
  const move = champion.history[0];
  return (
    <section>
      <h2>In service: {reference}</h2>
      <p>
        {move && (
          <>
            Since {formatTime(move.at)}, by {move.actor}: {move.reason}.{" "}
          </>
        )}
        {champion.canary &&
          `${formatVersion(champion.canary)} answers ${champion.share ?? 0} % of the requests as a canary. `}
        {others.map(([alias, version]) => `The alias ${alias} points at ${version}. `)}
      </p>
    </section>
  );
}

/** All moves of the champion, newest first, each with a button that goes back to its version. */
export function ChampionHistory({ data, onMove }: { data: Models; onMove: (reference: string) => void }) {
  const { champion } = data;
  if (champion === null) return null;
  return (
    <section>
      <h2>History of the champion</h2>
      <ScrollArea label="History of the champion">
        <table>
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col" class="text">
                Version
              </th>
              <th scope="col">Test error</th>
              <th scope="col" class="text">
                Before
              </th>
              <th scope="col" class="text">
                By
              </th>
              <th scope="col" class="note">
                Reason
              </th>
              <th scope="col">
                <span class="visually-hidden">Action</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {champion.history.map((move) => (
              <Move key={move.revision} move={move} data={data} onMove={onMove} />
            ))}
          </tbody>
        </table>
      </ScrollArea>
      {champion.next !== null && (
        <p class="muted">The newest {champion.history.length} moves. The API has all of them.</p>
      )}
    </section>
  );
}

function Move({
  move,
  data,
  onMove,
}: {
  move: Champion["history"][number];
  data: Models;
  onMove: (reference: string) => void;
}) {
  const reference = formatVersion(move);
  const mae = findVersion(data, reference)?.metrics.mae;
  const isCurrent = reference === data.aliases.champion;
  return (
    <tr>
      <th scope="row">{formatTime(move.at)}</th>
      <td class="text">{reference}</td>
      <td>{mae !== undefined && formatDollars(mae)}</td>
      <td class="text">{move.from && formatVersion(move.from)}</td>
      <td class="text">{move.actor}</td>
      <td class="note">
        {move.reason}
        {move.canary && ` (canary ${formatVersion(move.canary)}, ${move.share ?? 0} % of the requests)`}
      </td>
      <td>
        {isCurrent || mae === undefined ? null : (
          <button type="button" class="quiet" onClick={() => onMove(reference)}>
            Roll back <span class="visually-hidden">to {reference}</span>
          </button>
        )}
      </td>
    </tr>
  );
}
