import type { InferInsertModel } from "drizzle-orm";
import { datasets, diamonds, models } from "../../src/db/registry.ts";
import type { ModelReference } from "../../src/domain/model-record.ts";
import { CHAMPION } from "../../src/domain/selector.ts";
import type { Dataset } from "../dataset.ts";
import { moveAlias } from "./alias.ts";
import { keep, putVerified, type StoredFile, sha256 } from "./bucket.ts";
import { datasetFile, readPublished } from "./dataset-file.ts";
import { execute, Overtaken } from "./execute.ts";
import { chunk, insert, literal } from "./sql.ts";
import { findModel, type Registry, readRegistry } from "./state.ts";
import type { Target } from "./wrangler.ts";

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
  const stored = known === undefined ? datasetFile(publication.dataset.stones) : null;
  if (stored !== null) files.push(stored);
  const present = new Set(registry.models.flatMap(({ key, report }) => [key, report]));
  const missing = files.filter(
    (file, i) => !present.has(file.key) && files.findIndex((f) => f.key === file.key) === i,
  );
  onStep(missing.length > 0 ? `uploading ${missing.length} files` : "all files are there already");
  await putVerified(target, missing);
  await Promise.all(files.map((file) => keep(file.bytes)));

  const statements: string[] = [];
  const seq = known?.seq ?? (registry.datasets.at(-1)?.seq ?? 0) + 1;
  if (stored !== null)
    statements.push(...(await importDataset(target, registry, publication.dataset, seq, stored)));
  statements.push(...publication.models.flatMap(({ row }) => insert(models, [{ ...row, dataset: seq }])));
  if (publication.promotion !== null) {
    statements.push(...moveAlias(registry, { alias: CHAMPION, ...publication.promotion }));
  }

  onStep(stored === null ? "writing the registry" : `importing stones and writing the registry`);
  await execute(target, statements);
  const after = await readRegistry(target);
  for (const { row } of publication.models) {
    const found = findModel(after, row);
    if (found?.sha256 !== row.sha256 || found.createdAt !== row.createdAt) throw new Overtaken();
  }
  return after;
}

/** Statements that bring the stones table from the newest dataset to this one: only what differs. */
async function importDataset(
  target: Target,
  registry: Registry,
  dataset: Dataset,
  seq: number,
  stored: StoredFile,
): Promise<string[]> {
  const newest = registry.datasets.at(-1);
  const before = new Set(newest ? (await readPublished(target, newest)).map((stone) => stone.id) : []);
  const now = new Set(dataset.stones.map((stone) => stone.id));
  const gone = [...before].filter((id) => !now.has(id)).map(literal);
  return [
    ...insert(datasets, [
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
    ...chunk(gone, 80_000).map(
      (ids) => `UPDATE diamonds SET until = ${seq} WHERE until IS NULL AND id IN (${ids.join(", ")});`,
    ),
    ...insert(
      diamonds,
      dataset.stones.filter((stone) => !before.has(stone.id)).map((stone) => ({ ...stone, since: seq })),
    ),
  ];
}
