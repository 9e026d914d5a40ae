import { UnsupportedModelError } from "./error.ts";

/** What a JSON or UBJSON document holds; arrays of one number type come as numbers too. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Deeper than any model; stops a hostile file from overflowing the stack. */
const MAXIMUM_DEPTH = 100;

const DECODER = new TextDecoder("utf-8", { fatal: true });

/** Bytes of each number type, by its marker. */
const WIDTHS: Readonly<Record<string, number>> = { i: 1, U: 1, I: 2, l: 4, L: 8, d: 4, D: 8 };

/**
 * Reads Universal Binary JSON, draft 12, as XGBoost's `.ubj` files have it: big-endian numbers, strongly
 * typed arrays, objects of unknown size.
 * @throws UnsupportedModelError where the bytes end early or are something else, saying where.
 */
export function parseUbjson(bytes: Uint8Array): Json {
  const reader = new Reader(bytes);
  const value = reader.value(reader.marker(), 0);
  reader.end();
  return value;
}

class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  marker(): string {
    return String.fromCharCode(this.#bytes[this.#take(1)]!);
  }

  end(): void {
    if (this.#at < this.#bytes.length) throw this.#fault("has more bytes than its model");
  }

  value(marker: string, depth: number): Json {
    if (depth > MAXIMUM_DEPTH) throw this.#fault("nests too deep");
    switch (marker) {
      case "{":
        return this.#object(depth);
      case "[":
        return this.#array(depth);
      case "S":
      case "H":
        return this.#text();
      case "C":
        return String.fromCharCode(this.#bytes[this.#take(1)]!);
      case "Z":
        return null;
      case "T":
        return true;
      case "F":
        return false;
      default:
        return this.#number(marker);
    }
  }

  #object(depth: number): Json {
    const entries: [string, Json][] = [];
    const add = (type: string | undefined) => {
      const key = this.#text();
      entries.push([key, this.value(type ?? this.marker(), depth + 1)]);
    };
    const { type, count } = this.#header();
    if (count !== undefined) for (let i = 0; i < count; i++) add(type);
    else while (!this.#skip("}")) add(undefined);
    return Object.fromEntries(entries);
  }

  #array(depth: number): Json {
    const values: Json[] = [];
    const { type, count } = this.#header();
    if (count === undefined) while (!this.#skip("]")) values.push(this.value(this.marker(), depth + 1));
    else for (let i = 0; i < count; i++) values.push(this.value(type ?? this.marker(), depth + 1));
    return values;
  }

  /** The optional type and count at the start of an array or object. */
  #header(): { type?: string; count?: number } {
    if (this.#skip("$")) {
      const type = this.marker();
      if (!this.#skip("#")) throw this.#fault("has a typed array without a count");
      return { type, count: this.#count(WIDTHS[type] ?? 1) };
    }
    return this.#skip("#") ? { count: this.#count(1) } : {};
  }

  #text(): string {
    const length = this.#count(1);
    const start = this.#take(length);
    try {
      return DECODER.decode(this.#bytes.subarray(start, start + length));
    } catch {
      throw this.#fault("has a text that is not UTF-8");
    }
  }

  /** A number of entries of a width; never more than the bytes that are left can hold. */
  #count(width: number): number {
    const count = this.#number(this.marker());
    if (!Number.isInteger(count) || count < 0) throw this.#fault("has a count that is not a whole number");
    if (count * width > this.#bytes.length - this.#at) throw this.#fault("ends early");
    return count;
  }

  #number(marker: string): number {
    const width = WIDTHS[marker];
    if (width === undefined) throw this.#fault(`has an unknown marker ${JSON.stringify(marker)}`);
    const at = this.#take(width);
    switch (marker) {
      case "i":
        return this.#view.getInt8(at);
      case "U":
        return this.#view.getUint8(at);
      case "I":
        return this.#view.getInt16(at);
      case "l":
        return this.#view.getInt32(at);
      case "L":
        return Number(this.#view.getBigInt64(at));
      case "d":
        return this.#view.getFloat32(at);
      default:
        return this.#view.getFloat64(at);
    }
  }

  #skip(marker: string): boolean {
    if (this.#bytes[this.#at] !== marker.charCodeAt(0)) return false;
    this.#at++;
    return true;
  }

  /** Moves past some bytes and gives where they start. */
  #take(count: number): number {
    const start = this.#at;
    if (start + count > this.#bytes.length) throw this.#fault("ends early");
    this.#at += count;
    return start;
  }

  #fault(what: string): UnsupportedModelError {
    return new UnsupportedModelError(`the UBJ file ${what} (byte ${this.#at} of ${this.#bytes.length})`);
  }
}
