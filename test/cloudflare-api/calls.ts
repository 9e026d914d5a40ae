import type { Context } from "hono";

const SCRIPT = "/workers/scripts/[^/]+";

/** The calls that the stand-in knows, by the name that tests and faults use. */
const CALLS: readonly (readonly [method: string, path: string, name: string])[] = [
  ["GET", "/d1/database", "d1 list"],
  ["POST", "/d1/database", "d1 create"],
  ["GET", "/d1/database/[^/]+", "d1 info"],
  ["POST", "/d1/database/[^/]+/query", "d1 query"],
  ["POST", "/d1/database/[^/]+/import", "d1 import"],
  ["GET", "/r2/buckets", "r2 list"],
  ["POST", "/r2/buckets", "r2 create"],
  ["GET", "/r2/buckets/[^/]+", "r2 info"],
  ["GET", "/r2/buckets/[^/]+/objects", "r2 list objects"],
  ["GET", "/r2/buckets/[^/]+/objects/.+", "r2 get"],
  ["PUT", "/r2/buckets/[^/]+/objects/.+", "r2 put"],
  ["DELETE", "/r2/buckets/[^/]+/objects/.+", "r2 delete"],
  ["PUT", SCRIPT, "script upload"],
  ["GET", "/workers/services/[^/]+", "script info"],
  ["GET", `${SCRIPT}/versions`, "version list"],
  ["POST", `${SCRIPT}/versions`, "version upload"],
  ["GET", `${SCRIPT}/versions/[^/]+`, "version info"],
  ["GET", `${SCRIPT}/deployments`, "deployment list"],
  ["POST", `${SCRIPT}/deployments`, "deployment create"],
  ["GET", `${SCRIPT}/settings`, "settings"],
  ["PATCH", `${SCRIPT}/script-settings`, "settings change"],
  ["PUT", `${SCRIPT}/schedules`, "schedules"],
  ["GET", `${SCRIPT}/secrets`, "secret list"],
  ["PUT", `${SCRIPT}/secrets`, "secret put"],
  ["POST", `${SCRIPT}/subdomain`, "subdomain change"],
  ["GET", "/workers/subdomain", "subdomain"],
  ["GET", "/workers/workers/[^/]+", "worker info"],
  ["POST", `${SCRIPT}/assets-upload-session`, "assets session"],
  ["POST", "/workers/assets/upload", "assets upload"],
  ["GET", "/queues", "queue list"],
  ["POST", "/queues", "queue create"],
  ["POST", "/queues/[^/]+/consumers", "queue consumer create"],
  ["PUT", "/queues/[^/]+/consumers/[^/]+", "queue consumer change"],
];

const ACCOUNT_PATH = /^\/client\/v4\/accounts\/[^/]+/;

/**
 * The name of a call, such as "d1 query". An import has its action in its name. A call that the stand-in does
 * not know is named "unknown: GET /path".
 */
export async function nameCall(c: Context): Promise<string> {
  const { method, path } = c.req;
  if (path.startsWith("/d1-uploads/")) return "d1 import upload";
  if (
    path.startsWith("/client/v4/user") ||
    path === "/client/v4/memberships" ||
    path === "/client/v4/accounts"
  )
    return "account";
  const call = CALLS.find(
    ([expected, pattern]) =>
      expected === method &&
      ACCOUNT_PATH.test(path) &&
      new RegExp(`^${pattern}$`).test(path.replace(ACCOUNT_PATH, "")),
  );
  if (call === undefined) return `unknown: ${method} ${path}`;
  const [, , name] = call;
  // Hono keeps the parsed body for the route.
  return name === "d1 import" ? `${name} ${(await c.req.json()).action}` : name;
}
