/** A sample request log, and a filter that scans it. */
import type { RequestRecord } from "../../../../src/db/request-log/requests.ts";
import type { RequestFilter } from "../../../../src/db/request-log/search-conditions.ts";
import { MINUTE_MS } from "../../../../src/lib/time.ts";
import { createRandom } from "../../../support/random.ts";
import { createRecord } from "./log-rows.ts";

export const SAMPLE_LOG_START = Date.UTC(2026, 10, 1);

/**
 * Creates 20,000 records, one per minute. Most are predictions. Errors, slow requests and old model versions
 * are rare.
 */
export function createSampleLog(): RequestRecord[] {
  const random = createRandom(5);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  return Array.from({ length: 20_000 }, (_, i) => {
    const at = SAMPLE_LOG_START + i * MINUTE_MS + Math.floor(random() * 1000);
    const caller = random() < 0.01 ? pick(["marta", "ops"]) : random() < 0.8 ? "shop" : null;
    const durationMs = random() < 0.005 ? 200 + random() * 5000 : random() * 12;
    const kind = random();
    // These are rare, and none of them is among the newest 600 requests.
    if (i < 15_000 && i % 1000 === 3)
      return createRecord(at, random, {
        method: "POST",
        path: "/v1/predictions/x/outcome",
        route: "/v1/predictions/:id/outcome",
        status: i % 2000 === 3 ? 201 : 204,
        caller,
        durationMs,
      });
    if (kind < 0.005)
      return createRecord(at, random, { path: `/v1/nothing/${i}`, route: null, status: 404, caller });
    if (kind < 0.01)
      return createRecord(at, random, {
        path: `/v1/models/log-linear/versions/${i % 7}`,
        route: "/v1/models/:name/versions/:version",
        status: pick([200, 200, 404, 422]),
        caller,
        durationMs,
      });
    const isRejected = random() < 0.01;
    return createRecord(at, random, {
      method: "POST",
      path: random() < 0.1 ? "/v1/predictions/batch" : "/v1/predictions",
      route: random() < 0.1 ? "/v1/predictions/batch" : "/v1/predictions",
      status: isRejected ? pick([422, 422, 422, 503, 401]) : 200,
      ...(!isRejected && {
        model: i % 500 === 0 ? "log-linear" : "boosting",
        modelVersion: 1 + Math.floor(i / 1500),
      }),
      durationMs,
      caller,
    });
  });
}

/** Returns the ids of all records that match a filter, newest first: the correct result of a search. */
export function filterByScan(records: readonly RequestRecord[], filter: RequestFilter): string[] {
  const { since = 0, until = Number.POSITIVE_INFINITY, status, model, minDuration = 0, path = "" } = filter;
  return records
    .toReversed()
    .filter(({ at }) => at >= since && at < until)
    .filter((one) => status === undefined || (one.status >= status[0] && one.status <= status[1]))
    .filter(({ route }) => filter.route === undefined || route === filter.route)
    .filter((one) => model === undefined || one.model === model.name)
    .filter((one) => model?.kind !== "version" || one.modelVersion === model.version)
    .filter(({ durationMs }) => durationMs >= minDuration)
    .filter((one) => one.path.includes(path))
    .filter(({ caller }) => filter.caller === undefined || caller === filter.caller)
    .map(({ id }) => id);
}
