import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createScratchFolder } from "../../support/scratch-folder.ts";

const FILE = "carat,cut,color,clarity,depth,table,price,x,y,z\n0.23,Ideal,E,SI2,61.5,55,326,3.95,3.98,2.43\n";
const folder = createScratchFolder();
afterAll(() => folder.remove());

describe("a pipe is read", () => {
  /** Reads sources in a process of its own, through a shell. */
  async function run(command: string) {
    const path = join(folder.path, "stones.csv");
    writeFileSync(path, FILE);
    const source = (file: string) => new URL(`../../../training/data/${file}`, import.meta.url).href;
    const script = join(folder.path, "read.ts");
    writeFileSync(
      script,
      `import { readSources } from ${JSON.stringify(source("read-sources.ts"))};
import { findSources } from ${JSON.stringify(source("source.ts"))};
try {
  const results = await readSources(await findSources(process.argv.slice(1 + 1)));
  console.log(results.map(({ source: { name, rows } }) => name + " " + rows).join());
} catch (error) { console.log(error.message); }`,
    );
    const child = spawn("bash", ["-c", command], {
      env: { ...process.env, FILE: path, SCRIPT: script, NODE: process.execPath, FOLDER: folder.path },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    await once(child, "close");
    return output.trim();
  }

  test.each([
    ["the standard input", '"$NODE" "$SCRIPT" - < "$FILE"', "stdin 1"],
    ["the standard input by its path", 'cat "$FILE" | "$NODE" "$SCRIPT" /dev/stdin', "stdin 1"],
    ["gzip in the standard input", 'gzip -c "$FILE" | "$NODE" "$SCRIPT" -', "stdin 1"],
    ["the output of a command", '"$NODE" "$SCRIPT" <(cat "$FILE")', "pipe 1"],
    [
      "a named pipe",
      'mkfifo "$FOLDER/stones.fifo"; cat "$FILE" > "$FOLDER/stones.fifo" & "$NODE" "$SCRIPT" "$FOLDER/stones.fifo"',
      "stones.fifo 1",
    ],
    ["only once", 'cat "$FILE" | "$NODE" "$SCRIPT" - -', "stdin: the standard input can be read only once"],
  ])("%s", async (_, command, output) => {
    expect(await run(command)).toBe(output);
  });
});
