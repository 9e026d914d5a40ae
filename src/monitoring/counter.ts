import type { Rollup } from "../db/request-log/rollups.ts";

/** Counts the requests of one hour, by kind, subject and bin. */
export class Counter {
  readonly #rollups = new Map<string, Rollup>();

  /** Adds to one bin of a subject that has `binCount` bins. */
  add(kind: Rollup["kind"], subject: string, binCount: number, bin: number, amount: number): void {
    const key = `${kind} ${subject}`;
    const rollup = this.#rollups.get(key) ?? { kind, subject, counts: Array<number>(binCount).fill(0) };
    this.#rollups.set(key, rollup);
    rollup.counts[bin]! += amount;
  }

  /** Adds one amount to each bin of a subject. */
  addAll(kind: Rollup["kind"], subject: string, amounts: readonly number[]): void {
    for (const [bin, amount] of amounts.entries()) this.add(kind, subject, amounts.length, bin, amount);
  }

  get rollups(): Rollup[] {
    return [...this.#rollups.values()];
  }
}
