import type { JsonValue } from "../ubjson.ts";
import { UnsupportedModelError } from "../unsupported-model-error.ts";
import { DocumentBudget } from "./document-budget.ts";
import { cutText } from "./quote-text.ts";

const MAX_DEPTH = 100;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const MINUS = 0x2d;
const UPPER_I = 0x49;
const UPPER_N = 0x4e;
/** The brackets and braces. */
const OPENING = [0x5b, 0x7b];
const CLOSING = [0x5d, 0x7d];

/**
 * Parses JSON as XGBoost writes it: with NaN and Infinity, which JSON does not allow. They are read as
 * strings.
 * @throws UnsupportedModelError if the bytes are no JSON, are nested too deeply, or hold too much
 */
export function parseJson(bytes: Uint8Array): JsonValue {
  const quoted = quoteNonFinite(bytes);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(quoted)) as JsonValue;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UnsupportedModelError(`invalid JSON: ${cutText(reason)}`, { cause });
  }
}

/**
 * Puts NaN and infinities in quotes, and checks the structure. It reads each byte once, because a file may be
 * made so that a pattern for strings takes quadratic time.
 */
function quoteNonFinite(bytes: Uint8Array): Uint8Array {
  const words = findNonFinite(bytes);
  if (words.length === 0) return bytes;
  const quoted = new Uint8Array(bytes.length + words.length);
  let written = 0;
  let next = 0;
  for (let read = 0; read < bytes.length; read++) {
    for (; words[next] === read; next++) quoted[written++] = QUOTE;
    quoted[written++] = bytes[read]!;
  }
  // A word can be the end of a file that is cut.
  if (next < words.length) quoted[written] = QUOTE;
  return quoted;
}

/** Finds where NaN, Infinity and -Infinity begin and end. The positions are in pairs. */
function findNonFinite(bytes: Uint8Array): number[] {
  const budget = new DocumentBudget("JSON", bytes.length);
  const positions: number[] = [];
  let depth = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i]!;
    if (byte === QUOTE) i = findStringEnd(bytes, i);
    else if (OPENING.includes(byte)) {
      if (++depth > MAX_DEPTH) throw new UnsupportedModelError("the JSON file is nested too deeply");
      budget.spendContainer();
    } else if (CLOSING.includes(byte)) depth--;
    else if (byte === UPPER_N || byte === UPPER_I) {
      const end = findWordEnd(bytes, i);
      // Any other word stays as it is, and is an error of the JSON parser.
      if (end - i === "NaN".length || end - i === "Infinity".length)
        positions.push(bytes[i - 1] === MINUS ? i - 1 : i, end);
      i = end - 1;
    }
  }
  return positions;
}

/** Returns the position of the closing quote. */
function findStringEnd(bytes: Uint8Array, start: number): number {
  let i = start + 1;
  while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
  return i;
}

function findWordEnd(bytes: Uint8Array, start: number): number {
  let i = start;
  while (isLetter(bytes[i]!)) i++;
  return i;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}
