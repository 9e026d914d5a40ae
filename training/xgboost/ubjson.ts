import { DocumentBudget } from "./document/document-budget.ts";
import { quoteText } from "./document/quote-text.ts";
import { UnsupportedModelError } from "./unsupported-model-error.ts";

/** A value of a JSON or UBJSON document. Typed arrays of UBJSON are lists of numbers too. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** No model is nested this deep. The limit prevents a stack overflow for a malicious file. */
const MAX_DEPTH = 100;

const DECODER = new TextDecoder("utf-8", { fatal: true });

/** Size of each number type in bytes, by its marker. */
const NUMBER_BYTES: Readonly<Record<string, number>> = { i: 1, U: 1, I: 2, l: 4, L: 8, d: 4, D: 8 };

/**
 * Parses Universal Binary JSON (draft 12), the format of XGBoost's `.ubj` files: numbers are big-endian,
 * arrays are typed, and objects have no size.
 * @throws UnsupportedModelError with the position if the bytes are truncated or invalid
 */
export function parseUbjson(bytes: Uint8Array): JsonValue {
  const reader = new UbjsonReader(bytes);
  const value = reader.readValue(reader.readMarker(), 0);
  reader.expectEnd();
  return value;
}

class UbjsonReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #budget: DocumentBudget;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#budget = new DocumentBudget("UBJ", bytes.length);
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  readMarker(): string {
    return String.fromCharCode(this.#bytes[this.#advance(1)]!);
  }

  expectEnd(): void {
    if (this.#position < this.#bytes.length) throw this.#createError("has extra bytes after the model");
  }

  readValue(marker: string, depth: number): JsonValue {
    if (depth > MAX_DEPTH) throw this.#createError("is nested too deeply");
    // A typed list of null, true or false takes no bytes for its values.
    this.#budget.spendValues(1);
    if (marker === "{" || marker === "[") this.#budget.spendContainer();
    switch (marker) {
      case "{":
        return this.#readObject(depth);
      case "[":
        return this.#readArray(depth);
      case "S":
      case "H":
        return this.#readText();
      case "C":
        return String.fromCharCode(this.#bytes[this.#advance(1)]!);
      case "Z":
        return null;
      case "T":
        return true;
      case "F":
        return false;
      default:
        return this.#readNumber(marker);
    }
  }

  #readObject(depth: number): JsonValue {
    const entries = new Map<string, JsonValue>();
    const readEntry = (type: string | undefined) => {
      const key = this.#readText();
      if (entries.has(key)) throw this.#createError(`has the key ${quoteText(key)} twice in one object`);
      entries.set(key, this.readValue(type ?? this.readMarker(), depth + 1));
    };
    const { type, count } = this.#readHeader();
    if (count !== undefined) for (let i = 0; i < count; i++) readEntry(type);
    else while (!this.#skipMarker("}")) readEntry(undefined);
    return Object.fromEntries(entries);
  }

  #readArray(depth: number): JsonValue {
    const values: JsonValue[] = [];
    const { type, count } = this.#readHeader();
    if (count === undefined)
      while (!this.#skipMarker("]")) values.push(this.readValue(this.readMarker(), depth + 1));
    else for (let i = 0; i < count; i++) values.push(this.readValue(type ?? this.readMarker(), depth + 1));
    return values;
  }

  /** Reads the optional type and count at the start of an array or object. */
  #readHeader(): { type?: string; count?: number } {
    if (this.#skipMarker("$")) {
      const type = this.readMarker();
      if (!this.#skipMarker("#")) throw this.#createError("has a typed array without a count");
      return { type, count: this.#readCount(NUMBER_BYTES[type] ?? 1) };
    }
    return this.#skipMarker("#") ? { count: this.#readCount(1) } : {};
  }

  #readText(): string {
    const length = this.#readCount(1);
    const start = this.#advance(length);
    try {
      return DECODER.decode(this.#bytes.subarray(start, start + length));
    } catch {
      throw this.#createError("has a string that is not UTF-8");
    }
  }

  /** Reads a number of entries. The remaining bytes must be able to hold that many entries. */
  #readCount(entryBytes: number): number {
    const count = this.#readNumber(this.readMarker());
    if (!Number.isInteger(count) || count < 0)
      throw this.#createError("has a count that is not a non-negative integer");
    if (count * entryBytes > this.#bytes.length - this.#position) throw this.#createError("is truncated");
    return count;
  }

  #readNumber(marker: string): number {
    const size = NUMBER_BYTES[marker];
    if (size === undefined) throw this.#createError(`has an unknown marker ${JSON.stringify(marker)}`);
    const start = this.#advance(size);
    switch (marker) {
      case "i":
        return this.#view.getInt8(start);
      case "U":
        return this.#view.getUint8(start);
      case "I":
        return this.#view.getInt16(start);
      case "l":
        return this.#view.getInt32(start);
      case "L":
        return Number(this.#view.getBigInt64(start));
      case "d":
        return this.#view.getFloat32(start);
      default:
        return this.#view.getFloat64(start);
    }
  }

  #skipMarker(marker: string): boolean {
    if (this.#bytes[this.#position] !== marker.charCodeAt(0)) return false;
    this.#position++;
    return true;
  }

  /** Moves past some bytes and returns the position of the first one. */
  #advance(count: number): number {
    const start = this.#position;
    if (start + count > this.#bytes.length) throw this.#createError("is truncated");
    this.#position += count;
    return start;
  }

  #createError(problem: string): UnsupportedModelError {
    return new UnsupportedModelError(
      `the UBJ file ${problem} (byte ${this.#position} of ${this.#bytes.length})`,
    );
  }
}
