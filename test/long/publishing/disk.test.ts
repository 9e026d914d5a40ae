import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { REPOSITORY_ROOT } from "../../../cloudflare/wrangler.ts";
import { findRegistryFaults, withRegistry } from "../../support/local-state.ts";
import { startScript, TRAIN_MEDIAN } from "../../support/run-script.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";
import { CSV_ROWS, EMBEDDED_CSV, writeStonesCsv } from "../../support/stones-csv.ts";

const folder = createScratchFolder();
const state = join(folder.path, "state");
afterAll(() => folder.remove());

/** Largest size of a file of the second run: enough for its models, and too little for its stones. */
const MAX_FILE_KIB = 3000;

test("if the disk is full while publishing, the trainer prints one line and the champion stays", async () => {
  const every100th = CSV_ROWS.filter((_, i) => i % 100 === 0);
  const smallCsv = writeStonesCsv(folder.path, "small.csv", every100th);
  const first = await startScript(["--state", state, "--data", smallCsv], TRAIN_MEDIAN).finished;
  expect(first.code, first.output).toBe(0);
  const readModelsAndAliases = () =>
    withRegistry(state, async (db) => [await db.query.models.findMany(), await db.query.aliases.findMany()]);
  const before = await readModelsAndAliases();

  const script = join(REPOSITORY_ROOT, TRAIN_MEDIAN);
  const args = [process.execPath, script, "--state", state, "--data", EMBEDDED_CSV, "--promote", "force"];
  const second = promisify(execFile)("bash", ["-c", `ulimit -f ${MAX_FILE_KIB}; exec "$0" "$@"`, ...args], {
    cwd: REPOSITORY_ROOT,
  });
  const failed = await second.catch((error: { code: number; stdout: string; stderr: string }) => error);
  expect(failed).toMatchObject({ code: 1 });
  expect(failed.stdout).toContain("publish: ");
  expect(failed.stderr.trim()).toMatch(/^(EFBIG|wrangler .* failed: ).*$/);
  expect(await readModelsAndAliases()).toEqual(before);
  expect(await findRegistryFaults(state)).toEqual([]);
});
