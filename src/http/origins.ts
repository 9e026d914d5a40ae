import type { AppContext } from "./context.ts";

/** The origins in the setting that was read last. The setting changes only with the Worker. */
let parsed: { readonly setting: string; readonly origins: ReadonlySet<string> } = {
  setting: "",
  origins: new Set(),
};

/**
 * What the header `Access-Control-Allow-Origin` says to an origin; null if the origin may not read the answer.
 * `CORS_ORIGINS` lists origins, separated by commas or spaces; `*` allows every origin. Keys are sent in a
 * header that the page sets, so no origin needs browser credentials.
 */
export function findAllowedOrigin(c: AppContext, origin: string): string | null {
  const value: unknown = c.env.CORS_ORIGINS;
  const setting = typeof value === "string" ? value : "";
  if (setting !== parsed.setting)
    parsed = { setting, origins: new Set(setting.split(/[\s,]+/).filter(Boolean)) };
  if (parsed.origins.has("*")) return "*";
  return parsed.origins.has(origin) ? origin : null;
}
