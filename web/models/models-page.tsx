import { useCallback, useState } from "preact/hooks";
import { CallFailure } from "../components/call-failure.tsx";
import { Chart } from "../components/chart.tsx";
import { Header } from "../components/header.tsx";
import { useAnswer } from "../components/use-answer.ts";
import { useKey } from "../components/use-key.ts";
import { ChampionHistory, ChampionNow } from "./champion.tsx";
import { Comparison } from "./comparison.tsx";
import { MoveDialog } from "./move-dialog.tsx";
import { findVersion, type Models, readModels, type Version } from "./read-models.ts";
import { VersionDialog } from "./version-dialog.tsx";
import { VersionTable } from "./version-table.tsx";

/** The page that compares the models and moves the champion. */
export function ModelsPage() {
  const key = useKey();
  // With another key, the models are read again.
  const read = useCallback((signal: AbortSignal) => readModels(signal), [key]);
  const { data, failure, reload } = useAnswer(read);
  return (
    <>
      <Header current="/models" />
      <main class="page">
        <h1>Models</h1>
        <p class="muted">
          Every training run adds a version of each model. Its test error is how far its prices are from the
          real ones on average, on stones that it was not trained on.
        </p>
        {failure !== null && <CallFailure failure={failure} onRetry={reload} />}
        {data === null && failure === null && <p role="status">Reading the models …</p>}
        {data !== null && data.models.length === 0 && (
          <p>
            No model is trained yet. <code>npm run train</code> trains all of them and puts the best one into
            service.
          </p>
        )}
        {data !== null && data.models.length > 0 && <ModelViews data={data} onReload={reload} />}
      </main>
    </>
  );
}

function ModelViews({ data, onReload }: { data: Models; onReload: () => void }) {
  const [shown, setShown] = useState<string | null>(null);
  const [target, setTarget] = useState<string | null>(null);
  const [message, setMessage] = useState("");
  const draw = useCallback(
    async (width: number) => (await import("./error-chart.ts")).drawErrorChart(data, width),
    [data],
  );
  const shownVersion = shown === null ? undefined : findVersion(data, shown);
  const targetVersion = target === null ? undefined : findVersion(data, target);
  return (
    <>
      <ChampionNow data={data} />
      <p role="status">{message}</p>
      <section>
        <h2>Test error over the versions</h2>
        <Chart draw={draw} class="error-chart" />
      </section>
      <VersionTable data={data} onShow={setShown} onMove={setTarget} />
      <Comparison data={data} />
      <ChampionHistory data={data} onMove={setTarget} />
      {shownVersion && <VersionDialog version={shownVersion} onClose={() => setShown(null)} />}
      {targetVersion && (
        <MoveDialog
          data={data}
          target={targetVersion}
          onClose={() => setTarget(null)}
          onMoved={(version: Version) => {
            setTarget(null);
            setMessage(
              `${version.name} version ${version.version} is the champion. All servers use it within 15 seconds.`,
            );
            onReload();
          }}
          onReload={onReload}
        />
      )}
    </>
  );
}
