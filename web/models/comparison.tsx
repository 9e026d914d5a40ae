import { useId, useState } from "preact/hooks";
import { FigureTable } from "./figure-table.tsx";
import { findVersion, formatVersion, type Models } from "./read-models.ts";

/** Two versions side by side, by default the champion and the best other one. */
export function Comparison({ data }: { data: Models }) {
  const versions = data.models.flatMap((model) => model.versions);
  const references = versions.map(formatVersion);
  const best = versions
    .filter((version) => formatVersion(version) !== data.aliases.champion)
    .toSorted((a, b) => a.metrics.mae - b.metrics.mae)[0];
  const [chosen, setChosen] = useState<{ left?: string; right?: string }>({});
  const leftReference = chosen.left ?? data.aliases.champion ?? references[0] ?? "";
  const rightReference = chosen.right ?? (best ? formatVersion(best) : leftReference);
  const left = findVersion(data, leftReference);
  const right = findVersion(data, rightReference);
  return (
    <section>
      <h2>Two versions side by side</h2>
      <div class="choices">
        <VersionSelect
          label="Version"
          value={leftReference}
          references={references}
          onChange={(left) => setChosen({ ...chosen, left })}
        />
        <VersionSelect
          label="Compared with"
          value={rightReference}
          references={references}
          onChange={(right) => setChosen({ ...chosen, right })}
        />
      </div>
      {left && right && <FigureTable left={left} right={right} />}
    </section>
  );
}

function VersionSelect({
  label,
  value,
  references,
  onChange,
}: {
  label: string;
  value: string;
  references: readonly string[];
  onChange: (reference: string) => void;
}) {
  const id = useId();
  return (
    <div>
      <label for={id}>{label}</label>
      <select id={id} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        {references.map((reference) => (
          <option key={reference}>{reference}</option>
        ))}
      </select>
    </div>
  );
}
