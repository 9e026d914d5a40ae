import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, test } from "vitest";
import { EMBEDDED, ROOT, readState, registryFaults, scratchFolder, startTrainer } from "../system/trainer.ts";

const folder = scratchFolder();
const state = join(folder.path, "state");
afterAll(() => folder.remove());

const SCRIPT = "test/system/train-median.ts";
/** No file of the second run may grow beyond this: enough for its models, too little for its stones. */
const LIMIT_KIB = 3000;

test("a disk that is full while publishing: one line, and the champion is as it was", async () => {
  const [header, ...rows] = readFileSync(EMBEDDED, "utf8").split("\n");
  const small = join(folder.path, "small.csv");
  writeFileSync(small, [header, ...rows.filter((_, i) => i % 100 === 0)].join("\n"));
  const first = await startTrainer(["--state", state, "--data", small], SCRIPT).finished;
  expect(first.code, first.output).toBe(0);
  const registry = () =>
    readState(state, async (db) => [await db.query.models.findMany(), await db.query.aliases.findMany()]);
  const before = await registry();

  const script = join(ROOT, SCRIPT);
  const args = [process.execPath, script, "--state", state, "--data", EMBEDDED, "--promote", "force"];
  const limited = promisify(execFile)("bash", ["-c", `ulimit -f ${LIMIT_KIB}; exec "$0" "$@"`, ...args], {
    cwd: ROOT,
  });
  const failed = await limited.catch((error: { code: number; stdout: string; stderr: string }) => error);
  expect(failed).toMatchObject({ code: 1 });
  expect(failed.stdout).toContain("publish: ");
  expect(failed.stderr.trim()).toMatch(/^(EFBIG|wrangler .* failed: ).*$/);
  expect(await registry()).toEqual(before);
  expect(await registryFaults(state)).toEqual([]);
});
