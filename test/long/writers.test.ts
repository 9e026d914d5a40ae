import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readState, scratchFolder, startTrainer } from "../system/trainer.ts";

const WRITERS = 6;
const CALLS = 3;
const folder = scratchFolder();
const state = join(folder.path, "state");
afterAll(() => folder.remove());

test(`${WRITERS} processes that write to one bucket at the same time: each file arrives`, async () => {
  const writers = Array.from(
    { length: WRITERS },
    (_, i) => startTrainer([state, `writer-${i}`, String(CALLS)], "test/long/upload.ts").finished,
  );
  for (const { code, output } of await Promise.all(writers)) expect(code, output).toBe(0);
  const keys = await readState(state, async (_, bucket) =>
    (await bucket.list()).objects.map((object) => object.key),
  );
  expect(keys).toHaveLength(WRITERS * CALLS * 2);
});
