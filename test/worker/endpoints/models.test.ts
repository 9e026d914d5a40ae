import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import type {
  AliasPeriod,
  ModelRecord,
  ModelReference,
  ModelSummary,
} from "../../../src/domain/model-record.ts";
import { call, get, type Refusal } from "../support/call.ts";
import { wrap } from "../support/faults.ts";
import { point, publish } from "../support/registry.ts";

interface Versions {
  versions: ModelSummary[];
  next: string | null;
}

beforeAll(async () => {
  for (let version = 1; version <= 45; version++) await publish({ name: "log-linear", version });
  await publish({ name: "gradient-boosting", version: 2 });
  for (const version of [1, 2, 1, 3]) await point("champion", { name: "log-linear", version });
});

describe("GET /v1/models", () => {
  it("lists the newest version of each model, and the aliases", async () => {
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
  it.each([1, 7, 20, 45, 100])("pages by %i through all versions, newest first", async (limit) => {
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

  it("pages by 20 where nothing is said", async () => {
    const { body } = await get<Versions>("/v1/models/log-linear");
    expect(body.versions).toHaveLength(20);
    expect(body.next).toEqual(expect.any(String));
  });

  it("pages through 200 versions, each once", async () => {
    for (let version = 1; version <= 200; version++) await publish({ name: "weekly", version });
    const seen: number[] = [];
    let next: string | null = "";
    while (next !== null) {
      const page: { body: Versions } = await get<Versions>(`/v1/models/weekly${next && `?next=${next}`}`);
      seen.push(...page.body.versions.map(({ version }) => version));
      next = page.body.next;
    }
    expect(seen).toEqual(Array.from({ length: 200 }, (_, i) => 200 - i));
  });

  it("stays right while versions are added", async () => {
    const { body: first } = await get<Versions>("/v1/models/log-linear?limit=5");
    await publish({ name: "log-linear", version: 46 });
    const { body: second } = await get<Versions>(`/v1/models/log-linear?limit=5&next=${first.next}`);
    expect(second.versions[0]?.version).toBe((first.versions[4]?.version ?? 0) - 1);
  });

  it.each(["x", "0", "-1", "MQ", "%00", "💎", "YmVsb3c6MA"])("refuses the cursor %s", async (next) => {
    const { status, body } = await get<Refusal>(`/v1/models/log-linear?next=${next}`);
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ path: "next" }]);
  });

  it("knows no other model, nor an alias", async () => {
    for (const name of ["linear", "champion"]) {
      const { status, body } = await get<Refusal>(`/v1/models/${name}`);
      expect(status).toBe(404);
      expect(body.detail).toContain(name);
    }
  });
});

describe("GET /v1/models/{name}/versions/{version}", () => {
  it("shows one version in full", async () => {
    const { status, body } = await get<ModelRecord>("/v1/models/gradient-boosting/versions/2");
    expect(status).toBe(200);
    expect(body).toMatchObject({
      name: "gradient-boosting",
      version: 2,
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      seed: 7,
      rejected: { "price not above 0": 1 },
      ranges: { carat: [0.2, 5.01] },
      decision: { promoted: true },
    });
  });

  it("knows no other version", async () => {
    const { status, body } = await get<Refusal>("/v1/models/gradient-boosting/versions/3");
    expect(status).toBe(404);
    expect(body.detail).toContain("gradient-boosting@3");
    for (const version of ["0", "-1", "1.5", "abc", "1e9999"]) {
      expect((await get(`/v1/models/gradient-boosting/versions/${version}`)).status, version).toBe(422);
    }
  });
});

describe("GET /v1/aliases/{alias}", () => {
  it("shows where it points, and every move", async () => {
    const { status, body } = await get<object>("/v1/aliases/champion");
    expect(status).toBe(200);
    const at = expect.any(String);
    const move = (revision: number, version: number, from: number | null) => ({
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
      history: [move(4, 3, 1), move(3, 1, 2), move(2, 2, 1), move(1, 1, null)],
      next: null,
    });
  });

  it("pages through the moves", async () => {
    const { body: first } = await get<{ history: { revision: number }[]; next: string }>(
      "/v1/aliases/champion?limit=3",
    );
    const { body: second } = await get<typeof first>(`/v1/aliases/champion?limit=3&next=${first.next}`);
    expect([...first.history, ...second.history].map(({ revision }) => revision)).toEqual([4, 3, 2, 1]);
    expect(second.next).toBeNull();
  });

  it("knows no other alias", async () => {
    expect((await get("/v1/aliases/challenger")).status).toBe(404);
  });
});

describe("the lineage of a version", () => {
  it("names the data it came from, and the report", async () => {
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
      reigns: [],
    });
  });

  it("says when which alias pointed at it, as a target or as a canary", async () => {
    const at = (hour: number) => `2026-11-03T${hour}:00:00.000Z`;
    const add = env.DB.prepare(
      `INSERT INTO alias_history (alias, revision, name, version, share, canary_name, canary_version, removed, actor, reason, at)
       VALUES (?1, ?2, 'log-linear', ?3, ?4, ?5, ?6, ?7, 'marta', 'why', ?8)`,
    );
    await env.DB.batch([
      add.bind("trial", 1, 10, null, null, null, 0, at(10)),
      add.bind("trial", 2, 10, 20, "log-linear", 11, 0, at(11)),
      add.bind("trial", 3, 11, null, null, null, 0, at(12)),
      add.bind("shadow", 1, 11, 50, null, null, null, at(13)),
      add.bind("shadow", 2, 11, null, null, null, 1, at(14)),
    ]);
    const reigns = async (version: number) =>
      (await get<{ reigns: AliasPeriod[] }>(`/v1/models/log-linear/versions/${version}`)).body.reigns;
    const reign = { actor: "marta", reason: "why", share: null, role: "target" };
    expect(await reigns(10)).toEqual([
      { ...reign, alias: "trial", from: at(11), until: at(12), revision: 2, share: 20 },
      { ...reign, alias: "trial", from: at(10), until: at(11), revision: 1 },
    ]);
    expect(await reigns(11)).toEqual([
      { ...reign, alias: "shadow", from: at(13), until: at(14), revision: 1, share: 50 },
      { ...reign, alias: "trial", from: at(12), until: null, revision: 3 },
      { ...reign, alias: "trial", role: "canary", from: at(11), until: at(12), revision: 2, share: 20 },
    ]);
    expect((await reigns(1)).map(({ alias, until }) => [alias, until === null])).toEqual([
      ["champion", false],
      ["champion", false],
    ]);
  });
});

describe("GET /v1/models/{name}/versions/{version}/report", () => {
  const html = "<!doctype html><title>log-linear@44</title><style>p{color:red}</style><p>ü</p>";

  it("answers the page, which may run nothing and load nothing", async () => {
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

  it("is a 404 where there is no report or no version, and a 503 where the bucket fails", async () => {
    expect((await get<Refusal>("/v1/models/log-linear/versions/1/report")).body.detail).toContain(
      "no report",
    );
    expect((await call("/v1/models/log-linear/versions/999/report")).status).toBe(404);
    expect((await call("/v1/models/log-linear/versions/x/report")).status).toBe(422);
    const MODELS = wrap(env.MODELS, { get: () => Promise.reject(new Error("R2 is down")) });
    const failed = await call("/v1/models/log-linear/versions/44/report", {}, { ...env, MODELS });
    expect(failed.status).toBe(503);
  });
});
