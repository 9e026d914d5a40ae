import { readFileSync } from "node:fs";
import { join } from "node:path";

const FIXTURES = "test/fixtures/xgboost-import";

/** Reads a model file that XGBoost wrote, for example `3.2.0/partition.ubj`. */
export function readFixture(name: string): Uint8Array {
  return readFileSync(join(FIXTURES, name));
}

/** Replaces some text of a JSON model file. Each pattern must occur in the file. */
export function editFixture(name: string, ...edits: readonly (readonly [RegExp, string])[]): Uint8Array {
  const text = edits.reduce(
    (before, [pattern, to]) => {
      if (!pattern.test(before)) throw new Error(`${name} does not contain ${pattern}`);
      return before.replace(pattern, to);
    },
    new TextDecoder().decode(readFixture(name)),
  );
  return new TextEncoder().encode(text);
}
