import type { RequestRecord } from "../../db/request-log/requests.ts";

interface HeldRecordsLimit {
  readonly records: number;
  /** In UTF-16 units, which take one or two bytes of memory. */
  readonly textLength: number;
}

/** Limits how many records this isolate holds in memory for one purpose, and how long their texts are together. */
export class HeldRecords {
  readonly #limit: HeldRecordsLimit;
  #records = 0;
  #textLength = 0;

  constructor(limit: HeldRecordsLimit) {
    this.#limit = limit;
  }

  /** Counts a record. Returns false if there is no room for it. One record always has room. */
  tryAdd(record: RequestRecord): boolean {
    const textLength = sumTextLengths(record);
    const isFull =
      this.#records >= this.#limit.records || this.#textLength + textLength > this.#limit.textLength;
    if (isFull && this.#records > 0) return false;
    this.#records++;
    this.#textLength += textLength;
    return true;
  }

  /** Ends the counting of a record that {@link tryAdd} counted. */
  remove(record: RequestRecord): void {
    this.#records--;
    this.#textLength -= sumTextLengths(record);
  }
}

/** The length of all texts of a record, in UTF-16 units. */
export function sumTextLengths(record: RequestRecord): number {
  let length = 0;
  // Much faster than a loop over `Object.values`, and it runs for every request.
  for (const key in record) {
    const value = record[key as keyof RequestRecord];
    if (typeof value === "string") length += value.length;
  }
  return length;
}
