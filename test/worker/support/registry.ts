/** Publishes small models into the real bindings as a training run does. */
import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { inject, type ProvidedContext } from "vitest";
import { aliases, aliasHistory, datasets, models } from "../../../src/db/registry/schema.ts";
import type { ModelReference } from "../../../src/domain/models/model-reference.ts";
import { sha256 } from "../../../src/lib/sha256.ts";
import { post, STONE } from "./call.ts";

const METRICS = { mae: 300, rmse: 600, r2: 0.97, mape: 0.08, medianApe: 0.06, within10: 0.7, rows: 20 };

type ModelFile = keyof ProvidedContext["models"];

export interface TestModel extends ModelReference {
  /** The name of a test ONNX file, or its bytes. Without it, the bucket has no file for the row. */
  file?: ModelFile | Uint8Array<ArrayBuffer>;
  dataset?: number;
  seed?: number;
  /** What the version has beside its file. Without it, it has no ranges and no explanations. */
  facts?: Partial<
    Pick<
      typeof models.$inferInsert,
      "bytes" | "memoryBytes" | "sessionBytes" | "calibration" | "plausibility" | "background"
    >
  >;
}

export async function publishDataset(seq: number): Promise<void> {
  const at = "2026-11-01T10:00:00.000Z";
  await drizzle(env.DB)
    .insert(datasets)
    .values({ seq, id: `d${seq}`, rows: 100, key: `datasets/${seq}`, sha256: "", sources: [], createdAt: at })
    .onConflictDoNothing();
}

/** Publishes a model version with its file and returns the key of the file. */
export async function publishModel({
  name,
  version,
  file,
  dataset = 1,
  seed = 7,
  facts = {},
}: TestModel): Promise<string> {
  await publishDataset(dataset);
  const bytes =
    file instanceof Uint8Array
      ? file
      : file
        ? readModelFile(file)
        : new TextEncoder().encode(`${name} ${version}`);
  const hash = await sha256(bytes);
  const key = `models/${name}/${hash}.onnx`;
  if (file !== undefined) await env.MODELS.put(key, bytes);
  await drizzle(env.DB)
    .insert(models)
    .values({
      name,
      version,
      key,
      sha256: hash,
      bytes: bytes.byteLength,
      dataset,
      trainRows: 80,
      testRows: 20,
      rejected: { "price not above 0": 1 },
      seed,
      hyperparameters: { target: "price" },
      metrics: { ...METRICS, bands: { "0.5-1": METRICS } },
      ranges: { carat: [0.2, 5.01], depth: [43, 79], table: [43, 95], x: [3, 11], y: [3, 59], z: [1, 32] },
      ...facts,
      importance: { gain: null, permutation: { carat: 1 } },
      decision: {
        champion: null,
        rows: 20,
        mae: 300,
        championMae: null,
        bands: {},
        promoted: true,
        reason: "there was no champion",
      },
      fitSeconds: 0.3,
      runSeconds: 2,
      runBy: "local",
      gitCommit: null,
      facetVersion: "0.1.0",
      createdAt: new Date(Date.UTC(2026, 10, 1, 10, version)).toISOString(),
    });
  return key;
}

/**
 * Waits until the ONNX runtime is loaded. On a busy machine that takes longer than the timeout of a
 * request.
 */
export async function warmUpRuntime(): Promise<void> {
  await publishModel({ name: "warm-up", version: 1, file: "steep" });
  for (let attempt = 1; attempt <= 5; attempt++) {
    const { status } = await post("/v1/predictions?model=warm-up", STONE);
    if (status === 200) return;
    await scheduler.wait(2000);
  }
  throw new Error("the ONNX runtime did not load");
}

/** Points an alias at a version and adds the move to the history. */
export async function pointAlias(alias: string, to: ModelReference): Promise<void> {
  const db = drizzle(env.DB);
  const from = (await db.select().from(aliases)).find((row) => row.alias === alias);
  const revision = (from?.revision ?? 0) + 1;
  const at = new Date(Date.UTC(2026, 10, 2, 10, revision)).toISOString();
  const row = { name: to.name, version: to.version, revision, updatedAt: at };
  await db.batch([
    db.insert(aliasHistory).values({
      alias,
      revision,
      name: to.name,
      version: to.version,
      fromName: from?.name ?? null,
      fromVersion: from?.version ?? null,
      actor: "test",
      reason: `revision ${revision}`,
      at,
    }),
    db
      .insert(aliases)
      .values({ alias, ...row })
      .onConflictDoUpdate({ target: aliases.alias, set: row }),
  ]);
}

/** @param index of a linear model whose slope no named file has, see `linearModels` in provided.d.ts */
export function readLinearModel(index: number): Uint8Array<ArrayBuffer> {
  return decodeBase64(inject("linearModels")[index] ?? "");
}

export function readModelFile(file: ModelFile): Uint8Array<ArrayBuffer> {
  return decodeBase64(inject("models")[file]);
}

function decodeBase64(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
}
