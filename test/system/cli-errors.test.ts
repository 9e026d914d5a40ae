import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { withRegistry } from "../support/local-state.ts";
import { train } from "../support/run-script.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";

const folder = createScratchFolder();
const state = join(folder.path, "state");
afterAll(() => folder.remove());

describe("the trainer exits with code 1 and prints one line for", () => {
  test.each([
    [["--data", "nowhere.csv"], "nowhere.csv: no such file"],
    [["--seed", "one"], "--seed must be a whole number of 0 or more"],
    [["--promote", "maybe"], "option '--promote <mode>' argument 'maybe' is invalid"],
    [["--promote", "maybe"], "Allowed choices are auto, never, force"],
    [["--sed", "1"], "unknown option '--sed' (Did you mean --seed?)"],
    [["stones.csv"], "unexpected argument 'stones.csv': name CSV files with --data"],
    [["--append"], "--append needs files: name them with --data"],
    [["--log"], "unknown option '--log'"],
    [["import", "--name", "x"], "missing required argument 'file'"],
    [["import", "model.ubj"], "required option '--name <name>' not specified"],
    [["import", "model.ubj", "--name", "champion"], "--name: champion is an alias"],
    [["import", "model.ubj", "--name", "x", "y"], "too many arguments for 'import'"],
  ])("%j", async (args, message) => {
    const { code, output } = await train("--state", state, ...args);
    expect(output).toContain(message);
    expect(output).not.toContain("    at ");
    expect(code).toBe(1);
  });

  test("a file without the column price", async () => {
    const path = join(folder.path, "unpriced.csv");
    writeFileSync(path, "carat,cut,color,clarity,depth,table,x,y,z\n");
    const { code, output } = await train("--data", path, "--state", state);
    expect(output).toContain("unpriced.csv: the header has no column price");
    expect(code).toBe(1);
    expect(await withRegistry(state, (db) => db.query.models.findMany())).toEqual([]);
  });
});

test("--help prints the options and exits with code 0", async () => {
  const trainHelp = await train("--help");
  expect(trainHelp.code).toBe(0);
  expect(trainHelp.output).toContain("--seed <number>");
  expect(trainHelp.output).toContain("import [options] <file>");
  const importHelp = await train("import", "--help");
  expect(importHelp.code).toBe(0);
  expect(importHelp.output).toContain("--categories <file>");
  expect(importHelp.output).toContain("--seed <number>");
});
