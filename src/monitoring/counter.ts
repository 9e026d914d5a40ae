import type { Rollup } from "../db/request-log/rollups.ts";

/** The counts of an hour while it is being counted. */
export class Counter {
  readonly #rollups = new Map<string, Rollup>();

  /** Adds to a bin of a subject, which has so many. */
  add(kind: Rollup["kind"], subject: string, bins: number, bin: number, count: number): void {
    const key = `${kind} ${subject}`;
    const rollup = this.#rollups.get(key) ?? { kind, subject, counts: Array<number>(bins).fill(0) };
    this.#rollups.set(key, rollup);
    rollup.counts[bin]! += count;
  }

  get rollups(): Rollup[] {
    return [...this.#rollups.values()];
  }
}
