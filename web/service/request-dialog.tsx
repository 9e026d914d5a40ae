import { useCallback } from "preact/hooks";
import { BATCH_ROUTE, PREDICTION_ROUTES } from "../../src/domain/routes.ts";
import { api, readAnswer, type Schemas } from "../api/client.ts";
import { CallFailure } from "../components/call-failure.tsx";
import { Dialog } from "../components/dialog.tsx";
import { formatDollars, formatTime } from "../components/format.ts";
import { ScrollArea } from "../components/scroll-area.tsx";
import { useAnswer } from "../components/use-answer.ts";
import { Erase } from "./erase.tsx";
import { formatMs, formatSecond } from "./format.ts";
import { OutcomeForm } from "./outcome-form.tsx";

type LoggedRequest = Schemas["RequestResponse"];

const KEY_PURPOSE = "The details of a request are for operators: enter a key with the scope admin.";

/** Everything that the log has about a request. A sale of its stones can be recorded, and it can be erased. */
export function RequestDialog({
  id,
  onErased,
  onClose,
}: {
  id: string;
  /** Called with the ids of the request and of the requests that reported its sales. */
  onErased: (ids: readonly string[]) => void;
  onClose: () => void;
}) {
  const read = useCallback(
    (signal: AbortSignal) => readAnswer(api.GET("/v1/requests/{id}", { params: { path: { id } }, signal })),
    [id],
  );
  const { data, failure, isLoading, reload } = useAnswer(read);
  return (
    <Dialog title="Request" onClose={onClose}>
      <div class="request">
        {isLoading && data === null && <p role="status">Loading the request…</p>}
        {failure && <CallFailure failure={failure} onRetry={reload} keyPurpose={KEY_PURPOSE} />}
        {data && (
          <Erase
            request={data}
            onErased={() => onErased([data.id, ...data.outcomes.map((outcome) => outcome.id)])}
          >
            <Facts request={data} />
            <Body title="Request body" text={data.requestBody} />
            <Body title="Response body" text={data.responseBody} />
            <Outcomes request={data} onRecorded={reload} />
          </Erase>
        )}
      </div>
    </Dialog>
  );
}

function Facts({ request }: { request: LoggedRequest }) {
  const { method, path, query, model, shadow, price } = request;
  const facts: Record<string, string | null> = {
    Id: request.id,
    Time: formatSecond(request.at),
    Request: `${method} ${path}${query === null ? "" : `?${query}`}`,
    Route: request.route,
    Status: String(request.status),
    Duration: formatMs(request.durationMs),
    Model: model && `${model.name}@${model.version}`,
    Price: price === null ? null : formatDollars(price),
    Challenger:
      shadow &&
      `${shadow.name}@${shadow.version}: ${shadow.price === null ? "no price" : formatDollars(shadow.price)}`,
    Caller: request.caller,
    "User agent": request.userAgent,
    Country: request.country,
    "Data centre": request.colo,
    "Repeats counted here": request.repeats > 0 ? String(request.repeats) : null,
    "Internal notes": request.problem,
  };
  return (
    <dl class="request-facts">
      {Object.entries(facts).map(([name, value]) => (
        <div key={name}>
          <dt class="muted">{name}</dt>
          <dd>{value ?? "–"}</dd>
        </div>
      ))}
    </dl>
  );
}

function Body({ title, text }: { title: string; text: string | null }) {
  return (
    <>
      <h3>{title}</h3>
      {text === null ? (
        <p class="muted">There was none, or it is not kept.</p>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable by keyboard
        <section class="body-text" tabIndex={0} aria-label={title}>
          <pre>{indentJson(text)}</pre>
        </section>
      )}
    </>
  );
}

/** Text that is not JSON, such as the beginning of a long body, stays as it is. */
function indentJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

function Outcomes({ request, onRecorded }: { request: LoggedRequest; onRecorded: () => void }) {
  const { id, route, method, status, outcomes } = request;
  const isPrediction = (PREDICTION_ROUTES as readonly (string | null)[]).includes(route);
  if (!isPrediction || method !== "POST" || status !== 200) return null;
  const isBatch = route === BATCH_ROUTE;
  return (
    <>
      <h3>Sales</h3>
      {outcomes.length === 0 ? (
        <p class="muted">No sale price is recorded.</p>
      ) : (
        <ScrollArea label="Recorded sales">
          <table class="outcomes">
            <thead>
              <tr>
                {isBatch && <th scope="col">Stone</th>}
                <th scope="col">Price</th>
                <th scope="col">Sold</th>
                <th scope="col">Recorded</th>
                <th scope="col">Caller</th>
              </tr>
            </thead>
            <tbody>
              {outcomes.map((outcome) => (
                <tr key={outcome.id}>
                  {isBatch && <td>{outcome.index}</td>}
                  <td>{formatDollars(outcome.price)}</td>
                  <td>{outcome.soldAt ?? "–"}</td>
                  <td>{formatTime(outcome.at)}</td>
                  <td>{outcome.caller ?? "–"}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollArea>
      )}
      <OutcomeForm id={id} isBatch={isBatch} onRecorded={onRecorded} />
    </>
  );
}
