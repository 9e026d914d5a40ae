import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it, vi } from "vitest";
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
    // A statement takes up to 400,000 characters, which are nine of these bodies.
    expect(countStatements()).toBe(5);
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
});
