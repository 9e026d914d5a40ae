import { writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterAll, describe, expect, test } from "vitest";
import { readDataset } from "../../../training/data/dataset.ts";
import { findSources } from "../../../training/data/source.ts";
import { withHttpServer } from "../../support/http-server.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";

const HEADER = "carat,cut,color,clarity,depth,table,price,x,y,z";
const ROW = "0.23,Ideal,E,SI2,61.5,55,326,3.95,3.98,2.43";
const folder = createScratchFolder();
afterAll(() => folder.remove());

/** Reads a file with six valid rows and the given invalid rows. Most rows must be valid. */
async function readWithInvalidRows(...invalid: (string | Uint8Array)[]) {
  const path = join(folder.path, "stones.csv");
  const lines = [HEADER, ROW, ...invalid, ROW, ROW, ROW, ROW, ROW].flatMap((line) => [
    Buffer.from(line),
    Buffer.from("\n"),
  ]);
  writeFileSync(path, Buffer.concat(lines));
  return readDataset(await findSources([path]));
}

describe("malicious rows", () => {
  test.each([
    ["a formula", '"=HYPERLINK(""http://x"")",Ideal,E,SI2,61.5,55,326,3.95,3.98,2.43', "not a number"],
    ["a NUL byte", "0.23,Ide\0al,E,SI2,61.5,55,326,3.95,3.98,2.43", "unknown cut"],
    ["a number that is too large", "1e400,Ideal,E,SI2,61.5,55,326,3.95,3.98,2.43", "out of range"],
    ["a price that is too large", "0.23,Ideal,E,SI2,61.5,55,1e400,3.95,3.98,2.43", "out of range"],
    ["a line break in quotes", '0.23,"Ide\nal",E,SI2,61.5,55,326,3.95,3.98,2.43', "unknown cut"],
    [
      "a cell in latin-1",
      Buffer.from("0.23,Id\xe9al,E,SI2,61.5,55,326,3.95,3.98,2.43", "latin1"),
      "unknown cut",
    ],
    ["a stray quote", '0.23,Id"eal,E,SI2,61.5,55,326,3.95,3.98,2.43', "unknown cut"],
    ["10,001 cells", Array(10_001).fill("1").join(","), "wrong number of columns"],
    ["names of object properties", "__proto__,constructor,E,SI2,61.5,55,326,3.95,3.98,2.43", "not a number"],
  ])("%s: only this row is rejected", async (_, row, reason) => {
    const { stones, rejected } = await readWithInvalidRows(row);
    expect(stones).toHaveLength(6);
    expect(rejected).toEqual({ [reason]: 1 });
  });

  test("rejects a header of 10,001 columns because a required column is missing", async () => {
    const path = join(folder.path, "wide.csv");
    writeFileSync(path, `${Array.from({ length: 10_001 }, (_, i) => `c${i}`).join(",")}\n`);
    await expect(readDataset(await findSources([path]))).rejects.toThrow(
      "wide.csv: the header has no column carat",
    );
  });
});

describe("the trainer reading from a server", () => {
  const readFromServer = (listener: RequestListener, silenceTimeoutMs?: number) =>
    withHttpServer(listener, async (url) =>
      readDataset(await findSources([`${url}/stones.csv`], silenceTimeoutMs)),
    );

  test("rejects a line of a gigabyte early, with bounded memory", async () => {
    const chunk = Buffer.alloc(1 << 20, "9");
    let sent = 0;
    const generateLine = function* () {
      yield `${HEADER}\n`;
      for (; sent < 1 << 30; sent += chunk.length) yield chunk;
    };
    await expect(
      readFromServer((_, response) => Readable.from(generateLine()).pipe(response)),
    ).rejects.toThrow("Max Record Size");
    expect(sent).toBeLessThan(64 << 20);
  });

  test("rejects a server that never responds", async () => {
    await expect(readFromServer(() => {}, 200)).rejects.toThrow(
      /stones.csv: the server sent nothing for 0.2 seconds/,
    );
  });

  test("rejects a server that stops sending", async () => {
    await expect(
      readFromServer((_, response) => void response.write(`${HEADER}\n${ROW}\n`), 200),
    ).rejects.toThrow(/stones.csv: the server sent nothing for 0.2 seconds/);
  });

  test("rejects a server that closes the connection early", async () => {
    const closeEarly: RequestListener = (_, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write(`${HEADER}\n${ROW}\n`, () => response.destroy());
    };
    await expect(readFromServer(closeEarly)).rejects.toThrow(/^http.*stones.csv: /);
  });

  test("waits for a slow server", async () => {
    const sendSlowly: RequestListener = async (_, response) => {
      for (const line of [HEADER, ROW, ROW, ROW]) {
        response.write(`${line}\n`);
        await new Promise((wait) => setTimeout(wait, 150));
      }
      response.end();
    };
    expect((await readFromServer(sendSlowly, 400)).stones).toHaveLength(3);
  });
});
