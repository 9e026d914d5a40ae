/** Cuts the texts of a log record that its caller chose, so that nobody can fill the log with them. */
import type { RequestRecord } from "../../db/request-log/requests.ts";

/** The longest texts of a caller that is identified, in octets of UTF-8. Bodies are not limited here. */
const MAX_CALLER_OCTETS = { path: 2_048, query: 4_096, userAgent: 1_024, problem: 4_096 } as const;
/** Cloudflare sets the country and the location, and HTTP servers know no longer method. */
const MAX_NAME_OCTETS = 20;

/**
 * What all texts of a stranger's row may take together, in octets. The indexes repeat the route, which counts
 * twice therefore. Such a row takes at most 400 bytes of the database, indexes included.
 */
const STRANGER_OCTETS = 112;
/** No long path uses up the room of the other texts, and no long route that of the path. */
const STRANGER_PATH_OCTETS = { min: 24, max: 64 } as const;
/** An error of our own must be explained, whoever found it. */
const STRANGER_FAULT_OCTETS = 160;
/** A shorter piece of a text says nothing. */
const MIN_PIECE_OCTETS = 8;
/** How much of the body of a stranger is decoded: more than fits. */
export const STRANGER_BODY_BYTES = 2 * STRANGER_OCTETS;

const ELLIPSIS = "…";
const ELLIPSIS_OCTETS = 3;
/** One unit of UTF-16 has at most this many octets in UTF-8. */
const MAX_OCTETS_PER_UNIT = 3;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
const buffer = new Uint8Array(Math.max(...Object.values(MAX_CALLER_OCTETS)));

/**
 * Cuts a text that is longer than a number of octets of UTF-8, at most 4,096. The rest ends with an ellipsis, is
 * well-formed, and is a copy: a part of a string would keep the whole string in memory.
 */
export function cutText(text: string, maxOctets: number): string {
  if (text.length * MAX_OCTETS_PER_UNIT <= maxOctets) return text;
  const whole = encoder.encodeInto(text, buffer.subarray(0, maxOctets));
  if (whole.read === text.length) return text;
  const { written } = encoder.encodeInto(text, buffer.subarray(0, maxOctets - ELLIPSIS_OCTETS));
  return decoder.decode(buffer.subarray(0, written)) + ELLIPSIS;
}

/** Limits the texts of a record. A caller is a stranger if the server needs a key and the request had no valid one. */
export function limitTexts(record: RequestRecord, isStranger: boolean): RequestRecord {
  const { method, country, colo } = record;
  return {
    ...(isStranger ? limitStranger(record) : limitCaller(record)),
    method: cutText(method, MAX_NAME_OCTETS),
    country: country && cutText(country, MAX_NAME_OCTETS),
    colo: colo && cutText(colo, MAX_NAME_OCTETS),
  };
}

function limitCaller(record: RequestRecord): RequestRecord {
  const { path, query, userAgent, problem } = record;
  return {
    ...record,
    path: cutText(path, MAX_CALLER_OCTETS.path),
    query: query && cutText(query, MAX_CALLER_OCTETS.query),
    userAgent: userAgent && cutText(userAgent, MAX_CALLER_OCTETS.userAgent),
    problem: problem && cutText(problem, MAX_CALLER_OCTETS.problem),
  };
}

/** Keeps as much as fits of what helps most to recognise a request: its path first, its bodies last. */
function limitStranger(record: RequestRecord): RequestRecord {
  const { route, status } = record;
  let remaining = STRANGER_OCTETS - 2 * (route?.length ?? 0);
  const take = (text: string | null, maxOctets = remaining): string | null => {
    if (text === null || (maxOctets < MIN_PIECE_OCTETS && text.length * MAX_OCTETS_PER_UNIT > maxOctets))
      return null;
    const piece = cutText(text, maxOctets);
    remaining -= encoder.encodeInto(piece, buffer).written;
    return piece;
  };
  const { min, max } = STRANGER_PATH_OCTETS;
  return {
    ...record,
    path: take(record.path, Math.max(min, Math.min(max, remaining))) ?? "",
    problem:
      status >= 500 && record.problem !== null
        ? cutText(record.problem, STRANGER_FAULT_OCTETS)
        : take(record.problem),
    userAgent: take(record.userAgent),
    query: take(record.query),
    requestBody: take(record.requestBody),
    // A piece of JSON would be read as the answer. The status and the path say what a refusal said.
    responseBody: fits(record.responseBody, remaining) ? take(record.responseBody) : null,
  };
}

function fits(text: string | null, maxOctets: number): boolean {
  return (
    text !== null && text.length <= maxOctets && cutText(text, Math.max(maxOctets, MIN_PIECE_OCTETS)) === text
  );
}
