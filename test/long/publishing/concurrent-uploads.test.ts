import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { withRegistry } from "../../support/local-state.ts";
import { startScript } from "../../support/run-script.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";

const PROCESSES = 6;
const UPLOADS = 3;
const FILES_PER_UPLOAD = 2;
const folder = createScratchFolder();
const state = join(folder.path, "state");
afterAll(() => folder.remove());

test(`every file arrives if ${PROCESSES} processes upload to one bucket at the same time`, async () => {
  const uploads = Array.from(
    { length: PROCESSES },
    (_, i) =>
      startScript([state, `process-${i}`, String(UPLOADS)], "test/long/publishing/upload-files.ts").finished,
  );
  for (const { code, output } of await Promise.all(uploads)) expect(code, output).toBe(0);
  const keys = await withRegistry(state, async (_, bucket) =>
    (await bucket.list()).objects.map((object) => object.key),
  );
  expect(keys).toHaveLength(PROCESSES * UPLOADS * FILES_PER_UPLOAD);
});
