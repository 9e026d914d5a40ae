import type { InferInsertModel } from "drizzle-orm";
import { ConflictError, executeStatements } from "../../cloudflare/d1.ts";
import { toChunks, toInsertStatements, toSqlLiteral } from "../../cloudflare/d1-sql.ts";
import {
  cacheFile,
  getStored,
  nullIfUnreadable,
  putVerified,
  type StoredFile,
  sha256,
} from "../../cloudflare/r2.ts";
import { query, type Target } from "../../cloudflare/wrangler.ts";
import { datasets, diamonds, models } from "../../src/db/registry/schema.ts";
import type { ModelReference } from "../../src/domain/model-record.ts";
import { CHAMPION } from "../../src/domain/model-selector.ts";
import type { Dataset } from "../data/dataset.ts";
import { readDatasetFile, toDatasetFile } from "../registry/dataset-file.ts";
import { moveAlias } from "../registry/move-alias.ts";
import { findModel, type Registry, readRegistry } from "../registry/read-registry.ts";

/** A model version ready for the registry: its row (the dataset is filled in here) and its files. */
export interface Publication {
  readonly dataset: Dataset;
  readonly models: readonly {
    readonly row: Omit<InferInsertModel<typeof models>, "dataset">;
    readonly files: readonly StoredFile[];
  }[];
  /** Where the champion alias moves; null leaves it. */
  readonly promotion: { readonly to: ModelReference; readonly reason: string; readonly actor: string } | null;
}

/**
 * Publishes in the order that is safe to stop anywhere: the files, each read back and compared; then
 * every registry row and the alias in one transaction. Until that transaction nothing refers to the
 * files; after it everything is there.
 * @throws Overtaken when the registry changed since it was read.
 */
export async function publish(
  target: Target,
  registry: Registry,
  publication: Publication,
  onStep: (text: string) => void,
): Promise<Registry> {
  const known = registry.datasets.find((dataset) => dataset.id === publication.dataset.id);
  const files = publication.models.flatMap((model) => model.files);
  const stored = known === undefined ? toDatasetFile(publication.dataset.stones) : null;
  if (stored !== null) files.push(stored);
  const missing = await notThere(target, registry, files);
  onStep(missing.length > 0 ? `uploading ${missing.length} files` : "all files are there already");
  const uploaded = putVerified(target, missing);
  const seq = known?.seq ?? (registry.datasets.at(-1)?.seq ?? 0) + 1;
  const imported = stored === null ? [] : importDataset(target, registry, publication.dataset, seq, stored);
  // Most of an upload is waiting: the statements are written meanwhile.
  const [importing] = await Promise.all([imported, uploaded, stored && cacheFile(stored.bytes)]);
  const statements = [
    ...importing,
    ...publication.models.flatMap(({ row }) => toInsertStatements(models, [{ ...row, dataset: seq }])),
    ...(publication.promotion === null
      ? []
      : moveAlias(registry, { alias: CHAMPION, ...publication.promotion }).statements),
  ];

  onStep(stored === null ? "writing the registry" : `importing stones and writing the registry`);
  await executeStatements(target, statements, written(publication));
  const after = await readRegistry(target);
  for (const { row } of publication.models) {
    const found = findModel(after, row);
    if (found?.sha256 !== row.sha256 || found.createdAt !== row.createdAt) throw new ConflictError();
  }
  return after;
}

/**
 * The files that must be uploaded, each once. That the registry names one is believed, except of those that
 * serve: a model that is trained again is how one that was lost or damaged is made whole.
 */
async function notThere(
  target: Target,
  registry: Registry,
  files: readonly StoredFile[],
): Promise<StoredFile[]> {
  const named = new Set(registry.models.flatMap(({ key, report }) => [key, report]));
  const once = files.filter((file, i) => files.findIndex(({ key }) => key === file.key) === i);
  const missing = await Promise.all(
    once.map(async ({ key, bytes, verify: served }) => {
      if (!named.has(key)) return true;
      return served && (await getStored(target, key, sha256(bytes)).catch(nullIfUnreadable)) === null;
    }),
  );
  return once.filter((_, i) => missing[i]);
}

/** A query that gives a row once the publication is in the registry. */
function written({ models: [first] }: Publication): string | undefined {
  if (first === undefined) return undefined;
  const { name, version, sha256, createdAt } = first.row;
  return `SELECT 1 FROM models WHERE name = ${toSqlLiteral(name)} AND version = ${version}
    AND sha256 = ${toSqlLiteral(sha256)} AND created_at = ${toSqlLiteral(createdAt)}`;
}

/** Statements that bring the stones table from the newest dataset to this one: only what differs. */
async function importDataset(
  target: Target,
  registry: Registry,
  dataset: Dataset,
  seq: number,
  stored: StoredFile,
): Promise<string[]> {
  const before = await idsOfNewest(target, registry);
  const now = new Set(dataset.stones.map((stone) => stone.id));
  const gone = [...before].filter((id) => !now.has(id)).map(toSqlLiteral);
  return [
    ...toInsertStatements(datasets, [
      {
        seq,
        id: dataset.id,
        rows: dataset.stones.length,
        key: stored.key,
        sha256: sha256(stored.bytes),
        sources: [...dataset.sources],
        createdAt: new Date().toISOString(),
      },
    ]),
    ...toChunks(gone, 80_000).map(
      (ids) => `UPDATE diamonds SET until = ${seq} WHERE until IS NULL AND id IN (${ids.join(", ")});`,
    ),
    ...toInsertStatements(
      diamonds,
      dataset.stones.filter((stone) => !before.has(stone.id)).map((stone) => ({ ...stone, since: seq })),
    ),
  ];
}

/** The ids of the stones of the newest dataset: from its file, or from the table where the file is lost. */
async function idsOfNewest(target: Target, registry: Registry): Promise<ReadonlySet<string>> {
  const newest = registry.datasets.at(-1);
  if (newest === undefined) return new Set();
  const stones = await readDatasetFile(target, newest).catch(nullIfUnreadable);
  if (stones !== null) return new Set(stones.map(({ id }) => id));
  const [rows = []] = await query(target, ["SELECT id FROM diamonds WHERE until IS NULL"]);
  return new Set(rows.map(({ id }) => String(id)));
}
