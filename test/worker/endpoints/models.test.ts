import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type { AliasPeriod } from "../../../src/domain/models/alias.ts";
import type { ModelRecord, ModelSummary } from "../../../src/domain/models/model-record.ts";
import type { ModelReference } from "../../../src/domain/models/model-reference.ts";
import { call, get, type ProblemDetails, readLogRecord } from "../support/call.ts";
import { overrideMethods } from "../support/faults.ts";
import { pointAlias, publishDataset, publishModel } from "../support/registry.ts";

interface Versions {
  versions: ModelSummary[];
  next: string | null;
}

beforeAll(async () => {
  for (let version = 1; version <= 45; version++) await publishModel({ name: "log-linear", version });
  await publishModel({ name: "gradient-boosting", version: 2 });
  for (const version of [1, 2, 1, 3]) await pointAlias("champion", { name: "log-linear", version });
});

describe("GET /v1/models", () => {
  it("lists the newest version of each model, and all aliases", async () => {
    const { status, body } = await get<{ models: ModelSummary[]; aliases: Record<string, ModelReference> }>(
      "/v1/models",
    );
    expect(status).toBe(200);
    expect(body.models.map(({ name, version }) => `${name}@${version}`)).toEqual([
      "gradient-boosting@2",
      "log-linear@45",
    ]);
    expect(body.models[0]).toMatchObject({
      createdAt: "2026-11-01T10:02:00.000Z",
      metrics: { mae: 300, bands: { "0.5-1": { rows: 20 } } },
      trainRows: 80,
      testRows: 20,
      dataset: "d1",
    });
    expect(body.aliases).toEqual({ champion: { name: "log-linear", version: 3 } });
  });
});

describe("GET /v1/models/{name}", () => {
  it.each([1, 7, 20, 45, 100])("returns all versions in pages of %i, newest first", async (limit) => {
    const seen: number[] = [];
    let next: string | null = "";
    while (next !== null) {
      const { body }: { body: Versions } = await get<Versions>(
        `/v1/models/log-linear?limit=${limit}${next && `&next=${encodeURIComponent(next)}`}`,
      );
      expect(body.versions.length).toBeGreaterThan(0);
      expect(body.versions.length).toBeLessThanOrEqual(limit);
      seen.push(...body.versions.map(({ version }) => version));
      next = body.next;
    }
    expect(seen).toEqual(Array.from({ length: 45 }, (_, i) => 45 - i));
  });

  it("returns 20 versions per page by default", async () => {
    const { body } = await get<Versions>("/v1/models/log-linear");
    expect(body.versions).toHaveLength(20);
    expect(body.next).toEqual(expect.any(String));
  });

  it("returns each of 200 versions once", async () => {
    for (let version = 1; version <= 200; version++) await publishModel({ name: "weekly", version });
    const seen: number[] = [];
    let next: string | null = "";
    while (next !== null) {
      const page: { body: Versions } = await get<Versions>(`/v1/models/weekly${next && `?next=${next}`}`);
      seen.push(...page.body.versions.map(({ version }) => version));
      next = page.body.next;
    }
    expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => 200 - i));
  });

  it("returns the correct next page if a version is added between two pages", async () => {
    const { body: first } = await get<Versions>("/v1/models/log-linear?limit=5");
    await publishModel({ name: "log-linear", version: 46 });
    const { body: second } = await get<Versions>(`/v1/models/log-linear?limit=5&next=${first.next}`);
    expect(second.versions[0]?.version).toBe((first.versions[4]?.version ?? 0) - 1);
  });

  it.each(["x", "0", "-1", "MQ", "%00", "💎", "YmVsb3c6MA"])("rejects the cursor %s", async (next) => {
    const { status, body } = await get<ProblemDetails>(`/v1/models/log-linear?next=${next}`);
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ path: "next" }]);
  });

  it("answers 404 for an unknown model and for the name of an alias", async () => {
    for (const name of ["linear", "champion"]) {
      const { status, body } = await get<ProblemDetails>(`/v1/models/${name}`);
      expect(status).toBe(404);
      expect(body.detail).toContain(name);
    }
  });
});

describe("GET /v1/models/{name}/versions/{version}", () => {
  it("returns all fields of a version", async () => {
    const { status, body } = await get<ModelRecord>("/v1/models/gradient-boosting/versions/2");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      name: "gradient-boosting",
      version: 2,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      memoryBytes: null,
      sessionBytes: null,
      seed: 7,
      rejected: { "price not above 0": 1 },
      ranges: { carat: [0.2, 5.01] },
      decision: { promoted: true },
    });
  });

  it("answers 404 for an unknown version, and 422 for an invalid version number", async () => {
    const { status, body } = await get<ProblemDetails>("/v1/models/gradient-boosting/versions/3");
    expect(status).toBe(404);
    expect(body.detail).toContain("gradient-boosting@3");
    for (const version of ["0", "-1", "1.5", "abc", "1e9999"]) {
      expect((await get(`/v1/models/gradient-boosting/versions/${version}`)).status, version).toBe(422);
    }
  });
});

describe("GET /v1/aliases/{alias}", () => {
  it("returns the version that the alias points at, and every move", async () => {
    const { status, body } = await get<object>("/v1/aliases/champion");
    expect(status).toBe(200);
    const at = expect.any(String);
    const createMove = (revision: number, version: number, from: number | null) => ({
      revision,
      name: "log-linear",
      version,
      from: from && { name: "log-linear", version: from },
      share: null,
      canary: null,
      removed: false,
      actor: "test",
      reason: `revision ${revision}`,
      at,
    });
    expect(body).toEqual({
      alias: "champion",
      name: "log-linear",
      version: 3,
      share: null,
      canary: null,
      revision: 4,
      updatedAt: at,
      history: [createMove(4, 3, 1), createMove(3, 1, 2), createMove(2, 2, 1), createMove(1, 1, null)],
      next: null,
    });
  });

  it("returns the moves in pages", async () => {
    const { body: first } = await get<{ history: { revision: number }[]; next: string }>(
      "/v1/aliases/champion?limit=3",
    );
    const { body: second } = await get<typeof first>(`/v1/aliases/champion?limit=3&next=${first.next}`);
    expect([...first.history, ...second.history].map(({ revision }) => revision)).toEqual([4, 3, 2, 1]);
    expect(second.next).toBeNull();
  });

  it("answers 404 for an unknown alias", async () => {
    expect((await get("/v1/aliases/challenger")).status).toBe(404);
  });
});

describe("the provenance of a version", () => {
  it("names the training data and the report", async () => {
    const { body } = await get<object>("/v1/models/gradient-boosting/versions/2");
    expect(body).toMatchObject({
      dataset: "d1",
      datasetRows: 100,
      sources: [],
      histograms: null,
      decision: { promoted: true, reason: "there was no champion" },
      runBy: "local",
      facetVersion: "0.1.0",
      report: null,
    });
    const periods = await get<object>("/v1/models/gradient-boosting/versions/2/alias-periods");
    expect(periods.body).toEqual({ periods: [] });
  });

  it("names 1,800 sources in their order, also those of the datasets that its dataset extends", async () => {
    await publishModel({ name: "many-sources", version: 1, dataset: 902 });
    const insert = env.DB.prepare(
      `INSERT INTO dataset_sources SELECT ?1, value, 'week ' || CAST(?1 AS INTEGER) || ' file ' || value, 2, '{"unknown cut":1}', '2026-11-25T10:00:00.000Z'
       FROM json_each(?2)`,
    );
    const positions = JSON.stringify(Array.from({ length: 900 }, (_, i) => i));
    await publishDataset(901);
    await env.DB.batch([
      insert.bind(901, positions),
      insert.bind(902, positions),
      env.DB.prepare("UPDATE datasets SET base = 901 WHERE seq = 902"),
    ]);
    const { body } = await get<ModelRecord>("/v1/models/many-sources/versions/1");
    expect(body.sources.map(({ name }) => name)).toEqual(
      [901, 902].flatMap((week) => Array.from({ length: 900 }, (_, i) => `week ${week} file ${i}`)),
    );
    expect(body.sources[0]).toEqual({
      name: "week 901 file 0",
      rows: 2,
      rejected: { "unknown cut": 1 },
      readAt: "2026-11-25T10:00:00.000Z",
    });
  });

  it("never changes, and says so", async () => {
    const path = "/v1/models/gradient-boosting/versions/2";
    const { response } = await call(path);
    expect(response.headers.get("cache-control")).toBe("private, max-age=86400, immutable");
    const tag = response.headers.get("etag") ?? "";
    expect(tag).toMatch(/^"[0-9a-f]+"$/);
    await pointAlias("passing", { name: "gradient-boosting", version: 2 });
    const again = await call(path, { headers: { "if-none-match": tag } });
    expect([again.status, again.text]).toEqual([304, ""]);
    expect(await readLogRecord(again.id)).toMatchObject({ status: 304, responseBody: null });
  });

  it("lists the times in which an alias pointed at the version, as its target or as its canary", async () => {
    const at = (hour: number) => `2026-11-03T${hour}:00:00.000Z`;
    const insert = env.DB.prepare(
      `INSERT INTO alias_history (alias, revision, name, version, share, canary_name, canary_version, removed, actor, reason, at)
       VALUES (?1, ?2, 'log-linear', ?3, ?4, ?5, ?6, ?7, 'marta', 'why', ?8)`,
    );
    await env.DB.batch([
      insert.bind("trial", 1, 10, null, null, null, 0, at(10)),
      insert.bind("trial", 2, 10, 20, "log-linear", 11, 0, at(11)),
      insert.bind("trial", 3, 11, null, null, null, 0, at(12)),
      insert.bind("shadow", 1, 11, 50, null, null, null, at(13)),
      insert.bind("shadow", 2, 11, null, null, null, 1, at(14)),
    ]);
    const readPeriods = async (version: number) =>
      (await get<{ periods: AliasPeriod[] }>(`/v1/models/log-linear/versions/${version}/alias-periods`)).body
        .periods;
    const period = { actor: "marta", reason: "why", share: null, role: "target" };
    expect(await readPeriods(10)).toEqual([
      { ...period, alias: "trial", from: at(11), until: at(12), revision: 2, share: 20 },
      { ...period, alias: "trial", from: at(10), until: at(11), revision: 1 },
    ]);
    expect(await readPeriods(11)).toEqual([
      { ...period, alias: "shadow", from: at(13), until: at(14), revision: 1, share: 50 },
      { ...period, alias: "trial", from: at(12), until: null, revision: 3 },
      { ...period, alias: "trial", role: "canary", from: at(11), until: at(12), revision: 2, share: 20 },
    ]);
    expect((await readPeriods(1)).map(({ alias, until }) => [alias, until === null])).toEqual([
      ["champion", false],
      ["champion", false],
    ]);
    expect((await get("/v1/models/log-linear/versions/999/alias-periods")).status).toBe(404);
  });
});

describe("GET /v1/models/{name}/versions/{version}/report", () => {
  const html = "<!doctype html><title>log-linear@44</title><style>p{color:red}</style><p>ü</p>";

  it("returns the page with a policy that allows no scripts and no other files", async () => {
    await env.DB.prepare("UPDATE models SET report = ?1 WHERE name = 'log-linear' AND version IN (43, 44)")
      .bind("reports/44.html")
      .run();
    const record = await get<{ report: string }>("/v1/models/log-linear/versions/44");
    expect(record.body.report).toBe("/v1/models/log-linear/versions/44/report");
    expect((await call(record.body.report)).status).toBe(404);
    await env.MODELS.put("reports/44.html", html);
    const { status, text, response } = await call(record.body.report);
    expect(status).toBe(200);
    expect(text).toBe(html);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("sandbox");
    expect(policy).not.toContain("script-src");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("answers 404 without a report or without the version, and 503 if the bucket fails", async () => {
    expect((await get<ProblemDetails>("/v1/models/log-linear/versions/1/report")).body.detail).toContain(
      "no report",
    );
    expect((await call("/v1/models/log-linear/versions/999/report")).status).toBe(404);
    expect((await call("/v1/models/log-linear/versions/x/report")).status).toBe(422);
    const MODELS = overrideMethods(env.MODELS, { get: () => Promise.reject(new Error("R2 is down")) });
    const failed = await call("/v1/models/log-linear/versions/44/report", {}, { ...env, MODELS });
    expect(failed.status).toBe(503);
  });
});
