import { MEASUREMENTS, type Measurement } from "../../../src/domain/diamond.ts";

/** Every set of measurements that can be missing, the empty set first. */
export const MISSING_SUBSETS: readonly (readonly Measurement[])[] = Array.from(
  { length: 2 ** MEASUREMENTS.length },
  (_, bits) => MEASUREMENTS.filter((_, i) => bits & (1 << i)),
);
