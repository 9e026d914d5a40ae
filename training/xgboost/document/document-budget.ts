import { UnsupportedModelError } from "../unsupported-model-error.ts";

/** Lists and objects that any document may have. */
const MIN_CONTAINERS = 10_000;
/** A tree has about 20 lists in at least 500 bytes, and an empty list takes 50 times its bytes in memory. */
const BYTES_PER_CONTAINER = 16;

/**
 * Bounds what a document may hold, in proportion to the size of its file: each value takes at least one byte,
 * and lists and objects, which need much memory, take more.
 */
export class DocumentBudget {
  readonly #format: string;
  #values: number;
  #containers: number;

  /** @param format the name of the format, for errors */
  constructor(format: string, fileBytes: number) {
    this.#format = format;
    this.#values = fileBytes;
    this.#containers = MIN_CONTAINERS + Math.floor(fileBytes / BYTES_PER_CONTAINER);
  }

  /** @throws UnsupportedModelError if the document has more values than bytes */
  spendValues(count: number): void {
    this.#values -= count;
    if (this.#values < 0)
      throw new UnsupportedModelError(`the ${this.#format} file has more values than bytes`);
  }

  /** @throws UnsupportedModelError if the document has too many lists and objects for its size */
  spendContainer(): void {
    if (--this.#containers < 0) {
      throw new UnsupportedModelError(`the ${this.#format} file has too many lists and objects for its size`);
    }
  }
}
