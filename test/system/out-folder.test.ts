import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { checkOutFolder, writeFolder } from "../../scripts/models/out-folder.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";

const scratch = createScratchFolder();
afterAll(() => scratch.remove());

const MLMODEL = "metadata:\n  facet_version: 0.1.0\n";
const toFiles = (texts: Record<string, string>) =>
  new Map(Object.entries(texts).map(([name, text]) => [name, new TextEncoder().encode(text)]));

function createFolder(name: string, texts: Record<string, string>): string {
  const folder = join(scratch.path, name);
  mkdirSync(folder);
  for (const [file, text] of Object.entries(texts)) writeFileSync(join(folder, file), text);
  return folder;
}

describe("the folder of an export", () => {
  test.each([
    ["new", null],
    ["empty", {}],
    ["earlier", { MLmodel: MLMODEL, "model.onnx": "" }],
  ])("may be %s", async (name, texts) => {
    const folder = texts === null ? join(scratch.path, "a/new") : createFolder(name, texts);
    await checkOutFolder(folder);
    await writeFolder(folder, toFiles({ MLmodel: "new", "predict.py": "new" }));
    expect(readdirSync(folder).toSorted()).toEqual(["MLmodel", "predict.py"]);
    expect(readFileSync(join(folder, "MLmodel"), "utf8")).toBe("new");
    // Nothing else is left beside it.
    expect(readdirSync(scratch.path).filter((entry) => entry.startsWith("."))).toEqual([]);
  });

  test.each([
    ["notes", { MLmodel: MLMODEL, "notes.txt": "" }, "has other files, such as notes.txt"],
    ["foreign", { MLmodel: "flavors: {}\n" }, "is not an export of this command"],
    ["python", { "requirements.txt": "flask\n" }, "is not an export of this command"],
  ])("must not have the files of %s", async (name, texts, message) => {
    const folder = createFolder(name, texts);
    await expect(checkOutFolder(folder)).rejects.toThrow(`--out: ${folder} ${message}`);
    expect(readdirSync(folder)).toEqual(Object.keys(texts).toSorted());
  });

  test("must not be a file", async () => {
    const path = join(scratch.path, "file");
    writeFileSync(path, "");
    await expect(checkOutFolder(path)).rejects.toThrow(`--out: ${path} is a file; it must be a folder`);
  });

  test("that gets other files in the meantime keeps them", async () => {
    const folder = createFolder("busy", {});
    await checkOutFolder(folder);
    writeFileSync(join(folder, "notes.txt"), "mine");
    await expect(writeFolder(folder, toFiles({ MLmodel: "new" }))).rejects.toThrow();
    expect(readFileSync(join(folder, "notes.txt"), "utf8")).toBe("mine");
  });
});
