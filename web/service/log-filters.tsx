import { useId, useState } from "preact/hooks";
import { PREDICTION_ROUTES } from "../../src/domain/routes.ts";
import type { Schemas } from "../api/client.ts";
import { Field, FieldError } from "../components/field.tsx";
import { FILTERS, type LogFilter } from "./use-log.ts";

const EMPTY = Object.fromEntries(FILTERS.map((name) => [name, ""])) as Record<
  (typeof FILTERS)[number],
  string
>;

/** The form that chooses requests of the log. The values are used when it is submitted. */
export function LogFilters({
  routes,
  errors,
  onSearch,
}: {
  /** Routes with traffic. */
  routes: readonly string[];
  errors: readonly Schemas["FieldError"][];
  onSearch: (filter: LogFilter) => void;
}) {
  const [texts, setTexts] = useState(EMPTY);
  const statusesId = useId();
  const routeId = useId();
  const bind = (name: keyof typeof EMPTY) => ({
    name,
    value: texts[name],
    error: errors.find(({ path }) => path === name)?.message,
    onText: (text: string) => setTexts({ ...texts, [name]: text }),
  });
  const route = bind("route");
  const clear = () => {
    setTexts(EMPTY);
    onSearch({});
  };
  return (
    <form
      class="filters"
      aria-label="Filters of the log"
      onSubmit={(event) => {
        event.preventDefault();
        onSearch(toFilter(texts));
      }}
    >
      <Field label="Since" type="datetime-local" {...bind("since")} />
      <Field label="Until" type="datetime-local" {...bind("until")} />
      <Field label="Status" hint="such as 404 or 4xx" list={statusesId} {...bind("status")} />
      <datalist id={statusesId}>
        <option value="2xx" />
        <option value="4xx" />
        <option value="5xx" />
      </datalist>
      <div class="field">
        <label for={routeId}>Route</label>
        <select
          id={routeId}
          value={route.value}
          aria-describedby={`${routeId}-error`}
          onChange={(event) => route.onText(event.currentTarget.value)}
        >
          <option value="">all</option>
          {[...new Set([...PREDICTION_ROUTES, ...routes])].sort().map((path) => (
            <option key={path} value={path}>
              {path}
            </option>
          ))}
        </select>
        <FieldError id={`${routeId}-error`} error={route.error} />
      </div>
      <Field label="Model" hint="name or name@version" {...bind("model")} />
      <Field label="Caller" hint="name of the key" {...bind("caller")} />
      <Field label="Path" hint="contains" {...bind("path")} />
      <Field label="Duration" hint="ms or more" inputMode="decimal" {...bind("minDuration")} />
      <div class="actions">
        <button type="submit">Search</button>
        <button type="button" class="quiet" onClick={clear}>
          Clear the filters
        </button>
      </div>
    </form>
  );
}

/** The filled filters. A time of the form is local, and the API takes it in UTC. */
function toFilter(texts: typeof EMPTY): LogFilter {
  const filled = Object.entries(texts)
    .map(([name, text]) => [name, text.trim()] as const)
    .filter(([, text]) => text !== "");
  return Object.fromEntries(
    filled.map(([name, text]) => [
      name,
      name === "since" || name === "until" ? new Date(text).toISOString() : text,
    ]),
  );
}
