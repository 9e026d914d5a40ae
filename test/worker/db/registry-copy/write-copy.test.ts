import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  COPY_PREFIX,
  formatCopy,
  parseCopy,
  parseCopyKey,
  toCopyKey,
} from "../../../../src/db/registry-copy/schema.ts";
import { repairRegistryCopy, updateRegistryCopy } from "../../../../src/db/registry-copy/write.ts";
import { EVERY_MINUTE } from "../../../../src/settings/call-budgets.ts";
import worker from "../../../../src/worker.ts";
import { call, get, readLogRecord, sendWithoutBackground } from "../../support/call.ts";
import { emptyStorage } from "../../support/empty-storage.ts";
import { overrideMethods } from "../../support/faults.ts";
import { createAuthorizationHeader, createKey, revokeKey } from "../../support/keys.ts";
import { pointAlias, publishModel, warmUpRuntime } from "../../support/registry.ts";
import { readCopies, readNewestCopy, readRevision } from "../../support/registry-copy.ts";

let headers: Record<string, string>;

beforeAll(async () => {
  await warmUpRuntime();
});

beforeEach(async () => {
  await emptyStorage();
  await publishModel({ name: "good", version: 1, file: "steep" });
  await publishModel({ name: "good", version: 2, file: "shallow" });
  const key = await createKey("marta", ["admin"]);
  headers = { ...createAuthorizationHeader(key), "content-type": "application/json" };
});

const moveAlias = (alias: string, model: string) => ({
  path: `/v1/aliases/${alias}`,
  init: { method: "PUT", headers, body: JSON.stringify({ model, reason: "a test" }) },
});

/** Runs SQL and returns by how much it has raised the revision. */
async function countChanges(change: () => Promise<unknown>): Promise<number> {
  const before = await readRevision();
  await change();
  return (await readRevision()) - before;
}

const execute = (sql: string) => () => env.DB.prepare(sql).run();

describe("the revision", () => {
  it("is raised by every change of aliases, keys and models, and by nothing else", async () => {
    await createKey("shop", ["predict"]);
    for (const change of [
      () => pointAlias("champion", { name: "good", version: 1 }),
      () => pointAlias("champion", { name: "good", version: 2 }),
      execute("DELETE FROM aliases"),
      () => createKey("other", ["predict"]),
      () => revokeKey("shop"),
      execute("UPDATE keys SET expires_at = '2027-01-01T00:00:00.000Z' WHERE name = 'shop'"),
      execute("DELETE FROM keys WHERE name = 'other'"),
      () => publishModel({ name: "good", version: 3 }),
      execute("DELETE FROM models WHERE version = 3"),
    ])
      expect(await countChanges(change)).toBe(1);
    for (const sql of [
      "UPDATE keys SET last_used_at = '2026-12-01T00:00:00.000Z'",
      "INSERT INTO withdrawals VALUES ('0123456789abcdef', 'a test', 'marta', '2026-12-01')",
    ])
      expect(await countChanges(execute(sql))).toBe(0);
  });

  it("orders the keys of the copies: the newest comes first", () => {
    const revisions = [0, 1, 9, 10, 99, 100, 12_345_678, 999_999_999_999_999];
    const keys = revisions.map(toCopyKey);
    expect(keys.toSorted()).toEqual(keys.toReversed());
    expect(keys.map(parseCopyKey)).toEqual(revisions);
    expect([`${COPY_PREFIX}x.json`, "models/1.onnx", `${toCopyKey(1)}.bak`].map(parseCopyKey)).toEqual([
      null,
      null,
      null,
    ]);
  });
});

describe("a copy", () => {
  it("is written by PUT and DELETE of an alias, with everything that prices and keys need", async () => {
    await publishModel({ name: "other", version: 1, file: "steep" });
    const facts = { memoryBytes: 2_000_000, sessionBytes: 1_000_000 };
    await publishModel({ name: "other", version: 2, file: "shallow", facts });
    const { path, init } = moveAlias("champion", "good@1");
    expect((await call(path, init)).status).toBe(201);
    const copy = await readNewestCopy();
    expect(copy.revision).toBe(await readRevision());
    expect(copy.aliases).toEqual([
      { alias: "champion", name: "good", version: 1, share: null, canaryName: null, canaryVersion: null },
    ]);
    // The version of the alias, and the newest version of each model.
    expect(copy.models.map(({ name, version }) => `${name}@${version}`)).toEqual([
      "good@1",
      "good@2",
      "other@2",
    ]);
    expect(copy.models[0]).toMatchObject({ ranges: { carat: [0.2, 5.01] }, calibration: null, seed: 7 });
    expect(copy.models.map(({ bytes, memoryBytes }) => [(bytes ?? 0) > 1000, memoryBytes])).toEqual([
      [true, null],
      [true, null],
      [true, 2_000_000],
    ]);
    expect(copy.keys).toEqual([
      expect.objectContaining({ name: "marta", scopes: ["admin"], expiresAt: null, revokedAt: null }),
    ]);

    await call(moveAlias("second", "good@2").path, moveAlias("second", "good@2").init);
    await call("/v1/aliases/second?reason=a+test", { method: "DELETE", headers });
    const copies = await readCopies();
    expect(copies.map(({ aliases }) => aliases.map(({ alias }) => alias))).toEqual([
      ["champion"],
      ["champion", "second"],
      ["champion"],
    ]);
    expect(copies[0]?.revision).toBe(await readRevision());
  });

  it("is not written again if nothing has changed, and has equal text for equal rows", async () => {
    expect(await updateRegistryCopy(env)).toBe(true);
    expect(await updateRegistryCopy(env)).toBe(false);
    const [copy] = await readCopies();
    await env.MODELS.delete(toCopyKey(copy!.revision));
    expect(await updateRegistryCopy(env)).toBe(true);
    expect(formatCopy(await readNewestCopy())).toBe(formatCopy(copy!));
  });

  it("of an earlier release, without the memory of the models, can be read", async () => {
    await updateRegistryCopy(env);
    const copy = await readNewestCopy();
    const models = copy.models.map(({ bytes: _, memoryBytes: __, sessionBytes: ___, ...model }) => model);
    expect(parseCopy(JSON.stringify({ ...copy, models }), copy.revision)?.models).toEqual(
      models.map((model) => ({ ...model, bytes: null, memoryBytes: null, sessionBytes: null })),
    );
  });

  it("is not written for an empty registry", async () => {
    await emptyStorage();
    expect(await updateRegistryCopy(env)).toBe(false);
    expect(await readCopies()).toEqual([]);
  });

  it("that is older never replaces a newer one, however late it is written", async () => {
    const written = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    const put = (async (key: string, text: string) => {
      started.resolve();
      await written.promise;
      return env.MODELS.put(key, text);
    }) as R2Bucket["put"];
    const slow = updateRegistryCopy({ ...env, MODELS: overrideMethods(env.MODELS, { put }) });
    await started.promise;
    await revokeKey("marta");
    await updateRegistryCopy(env);
    written.resolve();
    expect(await slow).toBe(true);
    const copies = await readCopies();
    expect(copies.map(({ keys }) => keys[0]?.revokedAt !== null)).toEqual([true, false]);
  });

  it("does not fail the move if the bucket fails, and a job of the next minute writes it", async () => {
    await pointAlias("champion", { name: "good", version: 1 });
    const put = () => Promise.reject(new Error("R2 is down"));
    const { path, init } = moveAlias("champion", "good@2");
    const bindings = { ...env, MODELS: overrideMethods(env.MODELS, { put }) };
    const answer = await call(path, init, bindings);
    expect(answer.status).toBe(200);
    expect((await readLogRecord(answer.id))?.problem).toContain(
      "the copy of the registry was not written: R2 is down",
    );
    expect(await readCopies()).toEqual([]);
    await worker.scheduled(createScheduledController({ cron: EVERY_MINUTE }), env);
    expect((await readNewestCopy()).aliases).toMatchObject([{ alias: "champion", version: 2 }]);
  });

  it("does not hold up the move for more than two seconds if the bucket never answers", async () => {
    const list = () => new Promise<never>(() => {});
    const bindings = { ...env, MODELS: overrideMethods(env.MODELS, { list }) };
    const { path, init } = moveAlias("champion", "good@2");
    const startedAt = performance.now();
    expect((await sendWithoutBackground(path, init, bindings)).status).toBe(201);
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });
});

describe("the job", () => {
  it("changes nothing if the newest copy is right, and deletes all but five copies", async () => {
    for (let i = 0; i < 8; i++) {
      await createKey(`key ${i}`, ["predict"]);
      await updateRegistryCopy(env);
    }
    await env.MODELS.put(`${COPY_PREFIX}notes.txt`, "of somebody else");
    const before = await readCopies();
    expect(await repairRegistryCopy(env)).toBe(false);
    expect(await readCopies()).toEqual(before.slice(0, 5));
    await revokeKey("key 0");
    expect(await repairRegistryCopy(env)).toBe(true);
    expect((await readCopies()).map(({ revision }) => revision)).toEqual([
      await readRevision(),
      ...before.slice(0, 4).map(({ revision }) => revision),
    ]);
    expect(await env.MODELS.head(`${COPY_PREFIX}notes.txt`)).not.toBeNull();
  });

  it.each([
    ["an earlier revision", 1],
    ["a revision that an old copy has", 0],
  ])("writes a newer copy after D1 was restored to %s", async (_, back) => {
    await createKey("lost by the restore", ["predict"]);
    await updateRegistryCopy(env);
    const revision = await readRevision();
    await env.DB.batch([
      env.DB.prepare("DELETE FROM keys WHERE name = 'lost by the restore'"),
      env.DB.prepare("UPDATE registry_revision SET revision = ?1").bind(revision - back),
    ]);
    expect(await repairRegistryCopy(env)).toBe(true);
    const copy = await readNewestCopy();
    expect(copy.keys.map(({ name }) => name)).toEqual(["marta"]);
    expect(copy.revision).toBe(revision + 1);
    expect(await readRevision()).toBe(revision + 1);
    expect(await repairRegistryCopy(env)).toBe(false);
    // A writer of the same state repairs it too.
    await env.DB.prepare("UPDATE registry_revision SET revision = 1").run();
    await call(moveAlias("champion", "good@1").path, moveAlias("champion", "good@1").init);
    expect((await readNewestCopy()).aliases).toHaveLength(1);
    expect(await readRevision()).toBeGreaterThan(revision + 1);
  });

  it.each(["", "{", "null", '{"format":2}', "[1]"])("replaces a damaged copy: %j", async (text) => {
    await updateRegistryCopy(env);
    const { revision } = await readNewestCopy();
    await env.MODELS.put(toCopyKey(revision), text);
    expect(await repairRegistryCopy(env)).toBe(true);
    expect((await readNewestCopy()).revision).toBe(revision + 1);
  });

  it("does not write a copy while it cannot read the registry", async () => {
    const bindings = { ...env, DB: env.LOG_DB };
    await expect(repairRegistryCopy(bindings)).rejects.toThrow("no such table");
    expect(await readCopies()).toEqual([]);
    expect((await get("/health")).status).toBe(200);
  });
});
