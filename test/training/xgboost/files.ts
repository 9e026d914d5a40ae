import { readFileSync } from "node:fs";
import { join } from "node:path";

const FIXTURES = "test/fixtures/xgboost-import";

/** The bytes of a model that XGBoost wrote, such as `3.2.0/partition.ubj`. */
export function fixture(name: string): Uint8Array {
  return readFileSync(join(FIXTURES, name));
}

/** A JSON model of XGBoost 3.2 with a few words changed, each from a pattern that must occur. */
export function edited(name: string, ...edits: readonly (readonly [RegExp, string])[]): Uint8Array {
  const text = edits.reduce(
    (before, [pattern, to]) => {
      if (!pattern.test(before)) throw new Error(`${name} does not hold ${pattern}`);
      return before.replace(pattern, to);
    },
    new TextDecoder().decode(fixture(name)),
  );
  return new TextEncoder().encode(text);
}
