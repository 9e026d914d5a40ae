import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { readState, scratchFolder, train } from "./trainer.ts";

const folder = scratchFolder();
const state = join(folder.path, "state");
afterAll(() => folder.remove());

describe("what cannot be trained on ends with code 1 and one line", () => {
  test.each([
    [["--data", "nowhere.csv"], "nowhere.csv: there is no such file"],
    [["--seed", "one"], "--seed must be a whole number of 0 or more"],
    [["--promote", "maybe"], "--promote must be one of auto, never, force"],
    [["--sed", "1"], "Unknown option '--sed'"],
    [["stones.csv"], "stones.csv: not understood"],
    [["--log"], "--name, --log, --categories and --features belong to import"],
    [["import", "model.ubj", "--name", "champion"], "champion is an alias"],
  ])("%j", async (args, message) => {
    const { code, output } = await train("--state", state, ...args);
    expect(output).toContain(message);
    expect(output).not.toContain("    at ");
    expect(code).toBe(1);
  });

  test("a file without the price column", async () => {
    const path = join(folder.path, "unpriced.csv");
    writeFileSync(path, "carat,cut,color,clarity,depth,table,x,y,z\n");
    const { code, output } = await train("--data", path, "--state", state);
    expect(output).toContain("unpriced.csv: the column price is missing in the header");
    expect(code).toBe(1);
    expect(await readState(state, (db) => db.query.models.findMany())).toEqual([]);
  });
});
