/** The blocks of archive chunks: how they are listed, and what a look-up reads. */
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import type { RequestRecord } from "../../../../src/db/request-log/requests.ts";
import { DAY_MS } from "../../../../src/lib/time.ts";
import { findArchived } from "../../../../src/request-log/archive/archived-request.ts";
import {
  findBlocksWith,
  formatBlocks,
  isBlockFull,
  parseBlocks,
} from "../../../../src/request-log/archive/blocks.ts";
import {
  ChangedChunkError,
  DamagedChunkError,
  listChunks,
} from "../../../../src/request-log/archive/chunk.ts";
import { removeRows } from "../../../../src/request-log/archive/write-chunk.ts";
import { eraseRequest } from "../../../../src/request-log/erase.ts";
import { createRandom } from "../../../support/random.ts";
import { emptyStorage } from "../../support/empty-storage.ts";
import { overrideMethods } from "../../support/faults.ts";
import { createCountingEnv } from "../../support/interrupted-env.ts";
import {
  archiveAll,
  createRecordsOfDay,
  NOW,
  packAsOneBlock,
  readArchive,
  readArchivedRows,
  startOfDay,
} from "../../support/request-log/archive.ts";
import { createIdAt, createRecord, insertRecords, sortIds } from "../../support/request-log/log-rows.ts";

let random: () => number;

beforeEach(async () => {
  await emptyStorage();
  random = createRandom(3);
});

/** Creates records that are all of the same millisecond. */
const createRecordsAt = (at: number, count: number) =>
  Array.from({ length: count }, () => createRecord(at, random));

async function readOnlyChunk() {
  const { objects } = await env.MODELS.list({ prefix: "log-archive/", include: ["customMetadata"] });
  expect(objects).toHaveLength(1);
  return objects[0]!;
}

describe("the list of blocks", () => {
  it("has the time and the length of each block", () => {
    const first = createIdAt(NOW, random);
    const lengths = [100, 36 ** 3, 7];
    const blocks = lengths.map((length, i) => ({ at: NOW + i * 1000, length }));
    expect(parseBlocks(first, formatBlocks(first, blocks))).toEqual([
      { at: NOW, offset: 0, length: 100 },
      { at: NOW + 1000, offset: 100, length: 36 ** 3 },
      { at: NOW + 2000, offset: 100 + 36 ** 3, length: 7 },
    ]);
    const find = (at: number) =>
      findBlocksWith(parseBlocks(first, formatBlocks(first, blocks)), createIdAt(at, random)).map(
        ({ at }) => (at - NOW) / 1000,
      );
    expect([-1, 0, 1, 999, 1000, 1001, 2000, 9999].map((ms) => find(NOW + ms))).toEqual([
      ...[[], [0], [0], [0], [0, 1], [1], [1, 2], [2]],
    ]);
  });

  it.each([
    ["rows of 600 characters", 20_000, 600, 100],
    ["full of rows that become six times as long in JSON", 460, 262_144, 168],
    ["of a gigabyte", 20_999, 50_000, 323],
  ])("fits into the metadata of a chunk: %s", (_, rows, characters, expectedBlocks) => {
    const blocks: { at: number; length: number }[] = [];
    let [open, total] = [{ rows: 0, characters: 0 }, 0];
    for (let row = 1; row <= rows; row++) {
      open = { rows: open.rows + 1, characters: open.characters + characters };
      total += characters;
      if (!isBlockFull(open.rows, open.characters, total) && row < rows) continue;
      // The latest time and a length without compression.
      blocks.push({ at: NOW + 86_399_999, length: open.characters });
      open = { rows: 0, characters: 0 };
    }
    expect(blocks.length).toBe(expectedBlocks);
    expect(formatBlocks(createIdAt(NOW, random), blocks).length).toBeLessThan(5000);
  });
});

describe("a look-up in the archive", () => {
  it("reads one block, also for an id that does not exist", async () => {
    const all = createRecordsOfDay(95, 3000, random);
    await insertRecords(all);
    await archiveAll();
    const { size, customMetadata } = await readOnlyChunk();
    expect(JSON.stringify(customMetadata).length).toBeLessThan(400);
    const ids = [all[1]!, all[1500]!, all[2999]!].map(({ id }) => id);
    ids.push(...[0.1, 0.5, 0.9].map((day) => createIdAt(startOfDay(95) + day * 86_400_000, random)));
    for (const id of ids) {
      const { bindings, bucketCalls, countBytes } = createCountingEnv();
      const found = await findArchived(bindings, id);
      expect(found).toEqual(all.find((record) => record.id === id) ?? null);
      expect(bucketCalls.map((call) => call.slice(0, 4))).toEqual(["list", "get "]);
      expect(countBytes()).toBeLessThan(size / 10);
    }
    // No chunk has requests of this time.
    const { bindings, bucketCalls } = createCountingEnv();
    expect(await findArchived(bindings, createIdAt(startOfDay(95) + 86_399_999, random))).toBeNull();
    expect(bucketCalls).toHaveLength(1);
  });

  it("finds each of many requests of one millisecond", async () => {
    const [early, same, late] = [1, 2, 3].map((ms) =>
      createRecordsAt(startOfDay(95) + ms, ms === 2 ? 650 : 150),
    );
    const all = [...early!, ...same!, ...late!];
    await insertRecords(all);
    await archiveAll();
    const sorted = sortIds(all);
    for (let i = 0; i < sorted.length; i += 49) {
      const { bindings, bucketCalls } = createCountingEnv();
      expect((await findArchived(bindings, sorted[i]!))?.id).toBe(sorted[i]);
      expect(bucketCalls).toHaveLength(2);
    }
  });

  it("begins anew if the chunk is written while it is read", async () => {
    const all = createRecordsOfDay(95, 900, random);
    await insertRecords(all);
    await archiveAll();
    let isFirst = true;
    const MODELS = overrideMethods(env.MODELS, {
      list: async (options) => {
        const listed = await env.MODELS.list(options);
        if (isFirst) await eraseRequest(env, all[0]!.id, NOW);
        isFirst = false;
        return listed;
      },
    });
    expect((await findArchived({ ...env, MODELS }, all[880]!.id))?.id).toBe(all[880]!.id);
  });

  it("does not take a damaged or shortened chunk for one without the request", async () => {
    const all = createRecordsOfDay(95, 900, random);
    await insertRecords(all);
    await archiveAll();
    const { key, customMetadata } = await readOnlyChunk();
    const bytes = new Uint8Array(await (await env.MODELS.get(key))!.arrayBuffer());
    const damaged = bytes.slice();
    damaged[1000]! ^= 1;
    for (const content of [damaged, bytes.slice(0, -1), bytes.slice(0, 2000)]) {
      await env.MODELS.put(key, content, { customMetadata: customMetadata! });
      await expect(findArchived(env, all[1]!.id)).rejects.toThrow(DamagedChunkError);
    }
  });
});

describe("a chunk of an earlier version", () => {
  let all: RequestRecord[];

  beforeEach(async () => {
    all = createRecordsOfDay(95, 450, random);
    await insertRecords(all);
    await archiveAll();
    await packAsOneBlock((await readOnlyChunk()).key);
  });

  it("is read, and only once for ids that do not exist", async () => {
    const read = async (id: string) => {
      const { bindings, countBytes } = createCountingEnv();
      return [await findArchived(bindings, id), countBytes() > 0];
    };
    const createMadeUpId = () => createIdAt(startOfDay(95) + 1000, random);
    expect(await read(createMadeUpId())).toEqual([null, true]);
    expect(await read(createMadeUpId())).toEqual([null, false]);
    expect(await read(all[440]!.id)).toEqual([all[440], true]);
  });

  it("is written in blocks when a request is erased", async () => {
    expect((await eraseRequest(env, all[7]!.id, NOW)).erased).toMatchObject({ archived: true });
    expect((await readOnlyChunk()).customMetadata?.blocks?.split(",")).toHaveLength(3);
    expect(await readArchivedRows()).toEqual(all.toSpliced(7, 1));
    expect(await findArchived(env, all[440]!.id)).toEqual(all[440]);
  });

  it("is complete before its rows are deleted from the table", async () => {
    const { key, customMetadata } = await readOnlyChunk();
    await insertRecords(all);
    await env.MODELS.put(key, "", { customMetadata: customMetadata! });
    await expect(archiveAll()).rejects.toThrow();
    const { results } = await env.LOG_DB.prepare("SELECT id FROM requests").all();
    expect(results).toHaveLength(450);
  });
});

describe("a chunk of which requests are erased", () => {
  it.each([
    ["rows", "449"],
    ["sha256", "0".repeat(64)],
  ])("stays as it is if its %s are not those of its metadata", async (name, value) => {
    const all = createRecordsOfDay(95, 450, random);
    await insertRecords(all);
    await archiveAll();
    const { key, customMetadata } = await readOnlyChunk();
    const bytes = await (await env.MODELS.get(key))!.arrayBuffer();
    const { etag } = await env.MODELS.put(key, bytes, {
      customMetadata: { ...customMetadata, [name]: value },
    });
    await expect(eraseRequest(env, all[7]!.id, NOW)).rejects.toThrow(DamagedChunkError);
    expect((await readOnlyChunk()).etag).toBe(etag);
    // The archive job does not delete rows that such a chunk has.
    await insertRecords(all.slice(8));
    await expect(archiveAll()).rejects.toThrow(DamagedChunkError);
  });

  it("is not written if another run wrote it meanwhile", async () => {
    const all = createRecordsOfDay(95, 450, random);
    await insertRecords(all);
    await archiveAll();
    const [chunk] = await listChunks(env.MODELS, Math.floor(startOfDay(95) / DAY_MS));
    const bucket = overrideMethods(env.MODELS, {
      put: (async (...args: Parameters<R2Bucket["put"]>) => {
        await removeRows(env.MODELS, chunk!, new Set([all[9]!.id]));
        return env.MODELS.put(...args);
      }) as R2Bucket["put"],
    });
    await expect(removeRows(bucket, chunk!, new Set([all[7]!.id]))).rejects.toThrow(ChangedChunkError);
    expect(await readArchivedRows()).toEqual(all.toSpliced(9, 1));
  });

  it("keeps the bytes of its other blocks", async () => {
    const all = createRecordsOfDay(95, 1000, random);
    await insertRecords(all);
    await archiveAll();
    const readLengths = async () => (await readOnlyChunk()).customMetadata!.blocks!.split(",");
    const before = await readLengths();
    expect(before).toHaveLength(5);
    await eraseRequest(env, all[500]!.id, NOW);
    const after = await readLengths();
    expect([0, 1, 3, 4].map((i) => after[i])).toEqual([0, 1, 3, 4].map((i) => before[i]));
    expect(after[2]).not.toBe(before[2]);
    expect((await readArchive()).flatMap(({ rows }) => rows)).toEqual(all.toSpliced(500, 1));
    expect((await readOnlyChunk()).customMetadata).toMatchObject({ rows: "999", first: all[0]!.id });
  });
});
