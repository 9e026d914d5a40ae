import { stripVTControlCharacters } from "node:util";
import { z } from "zod";

/** A request of wrangler that failed for a transient reason. */
export interface FailedRequest {
  /** Method and path, such as "POST /client/v4/accounts/…/query". */
  readonly request: string;
  /** 429 or 5xx; missing if there was no answer. */
  readonly status?: number;
  /** Value of the header Retry-After. */
  readonly retryAfter?: string;
  /** Why there was no answer. */
  readonly error?: string;
}

/** More would hide the message, as with the errors of a build. */
const MAX_REASON_LENGTH = 600;
const JsonError = z.object({
  error: z.object({ text: z.string(), notes: z.array(z.object({ text: z.string() })).default([]) }),
});
/** Cloudflare's envelope of an error. */
const Envelope = z.object({ errors: z.array(z.object({ code: z.number(), message: z.string() })).min(1) });

/**
 * Finds the reason of a failure in wrangler's output, as one line: its error with Cloudflare's messages and codes.
 * It is JSON for commands with --json. Otherwise a line marked [ERROR] and indented notes below it.
 */
export function findErrorReason(output: string): string {
  const text = stripVTControlCharacters(output);
  const [title = "no output", ...notes] = parseJsonError(text) ?? parseErrorLines(text);
  const details = notes.map(simplifyNote).join("; ");
  const reason = hideAccount(details === "" ? title : `${title.replace(/[.;:]$/, "")}: ${details}`);
  return reason.length > MAX_REASON_LENGTH ? `${reason.slice(0, MAX_REASON_LENGTH)}…` : reason;
}

/** Describes failed requests, as an addition to a message; empty if there are none. */
export function describeFailures(failures: readonly FailedRequest[]): string {
  const texts = failures.map(({ request, status, error }) =>
    status === undefined ? `${hideAccount(request)}: ${error}` : `status ${status}`,
  );
  return texts.length === 0 ? "" : ` (${[...new Set(texts)].slice(0, 3).join("; ")})`;
}

/** The id of the account makes a path long and says nothing. */
function hideAccount(text: string): string {
  return text.replaceAll(/(\/client\/v4)?\/accounts\/[0-9a-f]{32}\//g, "/");
}

/** How long Cloudflare asks to wait, in milliseconds; 0 if it does not say. */
export function findRetryAfterMs(failures: readonly FailedRequest[], now: number = Date.now()): number {
  return Math.max(0, ...failures.map(({ retryAfter = "" }) => parseRetryAfter(retryAfter, now)));
}

/** The header has seconds or a date. */
function parseRetryAfter(value: string, now: number): number {
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const time = Date.parse(value);
  return Number.isNaN(time) ? 0 : time - now;
}

function parseJsonError(text: string): string[] | null {
  const start = text.search(/^\{\s*"error"/m);
  if (start < 0) return null;
  try {
    const { error } = JsonError.parse(JSON.parse(text.slice(start)));
    return [error.text, ...error.notes.map((note) => note.text)];
  } catch {
    return null;
  }
}

/** A failed migration has two errors: its name, and the reason. */
function parseErrorLines(text: string): string[] {
  const lines = text.split("\n").map((line) => line.trimEnd());
  const found: string[] = [];
  let isInError = false;
  for (const line of lines) {
    const isTitle = line.includes("[ERROR]");
    isInError = isTitle || (isInError && (line === "" || line.startsWith("  ")));
    if (!isInError || line.trim() === "" || line.includes("you think this is a bug")) continue;
    found.push(line.replace(/^.*\[ERROR\]/, "").trim());
  }
  if (found.length > 0) return found;
  const line = lines.find((one) => /error/i.test(one)) ?? lines.find((one) => one !== "");
  return line === undefined ? [] : [line.trim()];
}

/** For objects in a bucket, the note is the body of the answer. */
function simplifyNote(note: string): string {
  try {
    const { errors } = Envelope.parse(JSON.parse(note.replace(/^Got response: /, "")));
    return errors.map(({ code, message }) => `${message} [code: ${code}]`).join("; ");
  } catch {
    return note;
  }
}
