import { expect, test } from "vitest";
import { splitRows } from "../../../../training/boosting/threads/split-rows.ts";

test("splitRows keeps the order of the rows; a shift of 1 sends missing values to the left", () => {
  const bins = Uint8Array.of(3, 255, 1, 2, 0, 255);
  const split = (shift: number, limit: number) => {
    const rows = Int32Array.of(0, 1, 2, 3, 4, 5);
    return [splitRows(rows, 0, 6, bins, { shift, limit }, new Int32Array(6)), ...rows];
  };
  // By hand: bins 1 and 0 go left, in rows 2 and 4.
  expect(split(0, 2)).toEqual([2, 2, 4, 0, 1, 3, 5]);
  // By hand: the missing values in rows 1 and 5 go left too.
  expect(split(1, 3)).toEqual([4, 1, 2, 4, 5, 0, 3]);
});
