import type { ModelReference } from "./models/model-reference.ts";

/** Routes that more than one file names. Every other endpoint writes its path only in its own file. */

export const PREDICTION_ROUTE = "/v1/predictions";
export const BATCH_ROUTE = "/v1/predictions/batch";
export const REPORT_ROUTE = "/v1/models/:name/versions/:version/report";
export const HEALTH_ROUTE = "/health";
export const READINESS_ROUTE = "/ready";
export const OPENAPI_ROUTE = "/openapi.json";
export const DOCS_ROUTE = "/docs";

/** The pages of the app. Each is an HTML file in web/, and `run_worker_first` in wrangler.toml has it too. */
export const APP_PAGES = ["/", "/batch", "/models", "/service"] as const;
export type AppPage = (typeof APP_PAGES)[number];

/** Routes whose answers hold prices. */
export const PREDICTION_ROUTES = [PREDICTION_ROUTE, BATCH_ROUTE] as const;
/** Probes by monitoring tools. They are logged and do not count as traffic. */
export const PROBE_ROUTES: readonly string[] = [HEALTH_ROUTE, READINESS_ROUTE];

/** The path of a version's report: `/v1/models/log-linear/versions/3/report`. */
export function reportPath({ name, version }: ModelReference): string {
  return REPORT_ROUTE.replace(":name", name).replace(":version", String(version));
}
