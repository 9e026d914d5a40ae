/**
 * The log on Cloudflare. The database is read by wrangler, as in training. The bucket is read with Cloudflare's API and
 * the credentials of wrangler, because wrangler cannot list objects.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { UserError } from "../../cloudflare/user-error.ts";
import { BUCKET, LOG_DATABASE } from "../../cloudflare/worker-config.ts";
import { type Rows, runWrangler, runWranglerOn } from "../../cloudflare/wrangler.ts";
import { withRetry } from "../../src/lib/retry.ts";
import type { ChunkContents } from "../../src/request-log/archive/chunk-contents.ts";
import type { ArchiveObject, StoredLog } from "./stored-log.ts";

const DEFAULT_API = "https://api.cloudflare.com/client/v4";
const OBJECTS_PER_PAGE = 1_000;
const REQUEST_TIMEOUT_MS = 120_000;
const MAX_ATTEMPTS = 6;
const FIRST_RETRY_DELAY_MS = 500;
const MAX_RETRY_AFTER_MS = 60_000;

/** Cloudflare's API was busy or failed, and another attempt may succeed. */
class TransientApiError extends UserError {}

/** What `wrangler auth token --json` prints. */
interface Credentials {
  readonly token?: string;
  readonly key?: string;
  readonly email?: string;
}

/** The answer of Cloudflare's API. */
interface Envelope<Result> {
  readonly result: Result | null;
  readonly errors?: readonly { readonly code: number; readonly message: string }[];
  readonly result_info?: { readonly cursor?: string; readonly is_truncated?: string | boolean };
}

interface ListedObject {
  readonly key: string;
  readonly etag: string;
  readonly custom_metadata?: Record<string, string>;
}

/** Opens the log on Cloudflare. */
export async function openRemoteLog<Result>(use: (log: StoredLog) => Promise<Result>): Promise<Result> {
  return use({ query, ...(await openBucket()) });
}

async function query(sql: string): Promise<Rows> {
  const args = ["d1", "execute", LOG_DATABASE, "--json", "--command", sql];
  const output = await runWranglerOn({ kind: "remote" }, args);
  const [result] = JSON.parse(output.toString()) as { results: Rows }[];
  return result?.results ?? [];
}

/** @throws UserError if wrangler has no credentials, or if they are of several accounts */
async function openBucket(): Promise<Pick<StoredLog, "listArchive" | "getObject">> {
  const headers = await readCredentials();
  const api = process.env.CLOUDFLARE_API_BASE_URL ?? DEFAULT_API;
  const account = process.env.CLOUDFLARE_ACCOUNT_ID ?? (await findAccount(api, headers));
  const objects = `${api}/accounts/${account}/r2/buckets/${BUCKET}/objects`;
  return {
    async listArchive(prefix) {
      const found: ArchiveObject[] = [];
      let cursor: string | undefined;
      do {
        const parameters = { prefix, per_page: String(OBJECTS_PER_PAGE), ...(cursor && { cursor }) };
        const url = `${objects}?${new URLSearchParams(parameters)}`;
        const { result, result_info } = await readJson<ListedObject[]>(url, headers);
        for (const { key, etag, custom_metadata } of result ?? [])
          found.push({ key, etag, contents: (custom_metadata ?? {}) as unknown as ChunkContents });
        const isTruncated = String(result_info?.is_truncated ?? false) === "true";
        cursor = isTruncated ? result_info?.cursor : undefined;
      } while (cursor !== undefined);
      return found;
    },
    async getObject(key) {
      // As wrangler writes the address: with the slashes of the key.
      return read(`${objects}/${key.split("/").map(encodeURIComponent).join("/")}`, headers);
    },
  };
}

async function readCredentials(): Promise<Record<string, string>> {
  const output = (await runWrangler(["auth", "token", "--json"])).toString();
  const { token, key, email } = JSON.parse(output) as Credentials;
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  return { "x-auth-key": key ?? "", "x-auth-email": email ?? "" };
}

async function findAccount(api: string, headers: Record<string, string>): Promise<string> {
  const { result } = await readJson<{ id: string; name: string }[]>(`${api}/accounts`, headers);
  const [account, ...others] = result ?? [];
  if (account !== undefined && others.length === 0) return account.id;
  throw new UserError(
    `set CLOUDFLARE_ACCOUNT_ID to the account of the bucket ${BUCKET}: these credentials have ${result?.length ?? 0} accounts`,
  );
}

async function readJson<Result>(url: string, headers: Record<string, string>): Promise<Envelope<Result>> {
  return JSON.parse(Buffer.from((await read(url, headers)) ?? []).toString());
}

/**
 * Sends a GET request, again after faults that pass. Returns the body of the answer; null if there is no such object.
 * @throws UserError for any other answer
 */
function read(url: string, headers: Record<string, string>): Promise<Uint8Array | null> {
  const attempt = async () => {
    let response: Response;
    let body: Uint8Array;
    try {
      response = await fetch(url, { headers, signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
      // Here, because a connection can also break within the answer.
      body = new Uint8Array(await response.arrayBuffer());
    } catch (cause) {
      throw new TransientApiError(`Cloudflare's API does not answer: ${cause}`, { cause });
    }
    if (response.ok) return body;
    if (response.status === 404 && url.includes("/objects/")) return null;
    const message = `Cloudflare's API answered ${response.status} for the bucket ${BUCKET}: ${describe(body)}`;
    if (response.status !== 429 && response.status < 500) throw new UserError(message);
    const retryAfterMs = Number(response.headers.get("retry-after") ?? 0) * 1000;
    if (retryAfterMs > 0) await sleep(Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
    throw new TransientApiError(message);
  };
  return withRetry(attempt, {
    shouldRetry: (error) => error instanceof TransientApiError,
    maxAttempts: MAX_ATTEMPTS,
    firstDelayMs: FIRST_RETRY_DELAY_MS,
  });
}

function describe(body: Uint8Array): string {
  try {
    const { errors = [] } = JSON.parse(Buffer.from(body).toString()) as Envelope<unknown>;
    return errors.map(({ code, message }) => `${message} [${code}]`).join("; ") || "no reason given";
  } catch {
    return "no reason given";
  }
}
