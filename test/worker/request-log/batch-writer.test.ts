import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { RequestRecord } from "../../../src/db/request-log/requests.ts";
import { writeBatched } from "../../../src/request-log/write/batch-writer.ts";
import { writeRecord } from "../../../src/request-log/write/write-record.ts";
import { createRandom } from "../../support/random.ts";
import { emptyStorage } from "../support/empty-storage.ts";
import { overrideMethods } from "../support/faults.ts";
import { createEnvWithLogFault, loseConnection, waitForever } from "../support/request-log/log-faults.ts";
import { createNewRecords, readDeadLetterIds, readLogIds, sortIds } from "../support/request-log/log-rows.ts";

const random = createRandom(29);

beforeEach(emptyStorage);

describe("writeBatched", () => {
  it("writes the records of overlapping requests with one statement", async () => {
    const { bindings, countStatements } = createEnvWithLogFault(async () => {});
    const records = createNewRecords(300, random);
    await Promise.all(records.map((record) => writeRecord(bindings, record)));
    expect(await readLogIds()).toEqual(sortIds(records));
    expect(countStatements()).toBe(1);
  });

  it("resolves only when the record is in the table", async () => {
    for (const record of createNewRecords(5, random)) {
      await writeRecord(env, record);
      expect(await readLogIds()).toContain(record.id);
    }
  });

  it("splits large records into statements that D1 accepts", async () => {
    const { bindings, countStatements } = createEnvWithLogFault(async () => {});
    const records = createNewRecords(40, random, { requestBody: "x".repeat(44_000) });
    await Promise.all(records.map((record) => writeRecord(bindings, record)));
    expect(await readLogIds()).toEqual(sortIds(records));
    // A statement takes 1.9 MB of JSON, and each of these bodies could have 262,144 bytes.
    expect(countStatements()).toBe(6);
  });

  it("writes the batch again if the request that writes it is aborted", async () => {
    const { bindings, countStatements } = createEnvWithLogFault(waitForever);
    const [first, ...records] = createNewRecords(21, random);
    // The first request collects the records of all, and its statement never ends.
    void writeRecord(bindings, first!);
    await Promise.all(records.map((record) => writeRecord(env, record)));
    expect(await readLogIds()).toEqual(sortIds([first!, ...records]));
    expect(countStatements()).toBe(1);
    expect(await readDeadLetterIds()).toEqual([]);
  });

  it("writes the batch if the request that collects it is aborted", async () => {
    const [first, ...records] = createNewRecords(21, random);
    const save = vi.fn(async () => {});
    void writeBatched(env.LOG_DB, first!, save, { waitForRecords: waitForever });
    await Promise.all(records.map((record) => writeRecord(env, record)));
    expect(await readLogIds()).toEqual(sortIds([first!, ...records]));
    expect(save).not.toHaveBeenCalled();
  });

  it("saves the record of an aborted request once if the database fails", async () => {
    const { bindings } = createEnvWithLogFault(loseConnection);
    const putKeys: string[] = [];
    const MODELS = overrideMethods(env.MODELS, {
      put: ((...args: Parameters<R2Bucket["put"]>) => {
        putKeys.push(args[0]);
        return env.MODELS.put(...args);
      }) as R2Bucket["put"],
    });
    const [first, ...records] = createNewRecords(21, random);
    const save = vi.fn(async () => {});
    void writeBatched(bindings.LOG_DB, first!, save, { waitForRecords: waitForever });
    await Promise.all(records.map((record) => writeRecord({ ...bindings, MODELS }, record)));
    expect(await readDeadLetterIds()).toEqual(sortIds([first!, ...records]));
    // Each of the other requests saves its own record.
    expect(putKeys).toHaveLength(21);
    expect(save).not.toHaveBeenCalled();
  });

  it.each([
    ["2,000 records", 2_000, ""],
    ["8 million characters of text", 8, "x".repeat(999_000)],
  ])("saves a record at once if %s wait for the database", async (_, room, requestBody) => {
    const answer = Promise.withResolvers<void>();
    const { bindings } = createEnvWithLogFault(() => answer.promise);
    const saved: string[] = [];
    const save = async ({ id }: RequestRecord) => {
      saved.push(id);
    };
    const records = createNewRecords(room + 2, random, { requestBody });
    const writes = records.map((record) => writeBatched(bindings.LOG_DB, record, save));
    await Promise.all(writes.slice(room));
    expect(saved).toEqual(records.slice(room).map(({ id }) => id));
    answer.resolve();
    await Promise.all(writes);
    expect(await readLogIds()).toEqual(sortIds(records.slice(0, room)));
    // There is room again.
    const [next] = createNewRecords(1, random, { requestBody });
    await writeBatched(env.LOG_DB, next!, save);
    expect(await readLogIds()).toContain(next!.id);
    expect(saved).toHaveLength(2);
  });
});
