import { ConflictError, executeStatements } from "../../cloudflare/d1.ts";
import { joinLiterals, toInsertStatements, toSqlLiteral } from "../../cloudflare/d1-sql.ts";
import {
  cacheFile,
  downloadFile,
  ignoreUnreadableFile,
  type StoredFile,
  sha256,
  uploadFiles,
} from "../../cloudflare/r2.ts";
import { query, type Target } from "../../cloudflare/wrangler.ts";
import { datasetSources, datasets, diamonds, models } from "../../src/db/registry/schema.ts";
import { CHAMPION } from "../../src/domain/models/model-selector.ts";
import { truncate } from "../../src/lib/truncate.ts";
import type { Dataset } from "../data/dataset.ts";
import { encodeDatasetFile, readDatasetFile } from "../registry/dataset-file.ts";
import { buildMoveStatements } from "../registry/move-alias.ts";
import { buildFilesGuard } from "../registry/pruned-files.ts";
import { findModel, type Registry, readRegistry } from "../registry/read-registry.ts";
import { writeRegistryCopy } from "../registry/write-copy.ts";
import type { Publication } from "./publication.ts";

/** The row of a dataset that extends no other repeats its sources if they are not more than these. */
const MAX_EMBEDDED_SOURCES = 10;
/** Maximum length of the name of a source, in characters. */
const MAX_NAME_LENGTH = 1_000;

/**
 * Publishes in an order that is safe to interrupt at any point. First the files are uploaded, read back and
 * compared. Then one transaction writes all registry rows and the alias. Before the transaction no row refers
 * to the files. After it the publication is complete, and the copy of the registry is written.
 * @returns the registry after the publication
 * @throws ConflictError if the registry changed after it was read
 */
export async function publish(
  target: Target,
  registry: Registry,
  publication: Publication,
  reportProgress: (text: string) => void,
): Promise<Registry> {
  const { dataset, promotion } = publication;
  const publishedDataset = registry.datasets.find(({ id }) => id === dataset.id);
  const datasetSeq = publishedDataset?.seq ?? (registry.datasets.at(-1)?.seq ?? 0) + 1;
  const datasetFile = publishedDataset === undefined ? encodeDatasetFile(dataset.stones) : null;

  const files = publication.models.flatMap((model) => model.files);
  if (datasetFile !== null) files.push(datasetFile);
  const filesToUpload = await findFilesToUpload(target, registry, files);
  reportProgress(
    filesToUpload.length > 0 ? `uploading ${filesToUpload.length} files` : "all files are already uploaded",
  );
  // The upload mostly waits for the network, so the statements are built at the same time.
  const [datasetStatements] = await Promise.all([
    datasetFile === null ? [] : buildDatasetStatements(target, registry, dataset, datasetSeq, datasetFile),
    uploadFiles(target, filesToUpload),
    datasetFile && cacheFile(datasetFile.bytes),
  ]);
  const statements = [
    ...buildFilesGuard(
      files.map(({ key }) => key),
      registry.pruneRevision,
    ),
    ...datasetStatements,
    ...publication.models.flatMap(({ row }) => toInsertStatements(models, [{ ...row, dataset: datasetSeq }])),
    ...(promotion === null
      ? []
      : buildMoveStatements(registry, { alias: CHAMPION, ...promotion }).statements),
  ];

  reportProgress(
    datasetFile === null ? "writing the registry" : "importing the stones and writing the registry",
  );
  await executeStatements(target, statements, buildPublishedQuery(publication));
  const [newRegistry] = await Promise.all([readRegistry(target), writeRegistryCopy(target)]);
  for (const { row } of publication.models) {
    const published = findModel(newRegistry, row);
    if (published?.sha256 !== row.sha256 || published.createdAt !== row.createdAt) throw new ConflictError();
  }
  return newRegistry;
}

/**
 * Finds the files to upload, each once. A file that the registry names is assumed to be in the bucket. Only
 * files with `verify` are downloaded to check this, so training a model again repairs its lost or damaged
 * file.
 */
async function findFilesToUpload(
  target: Target,
  registry: Registry,
  files: readonly StoredFile[],
): Promise<StoredFile[]> {
  const registeredKeys = new Set(registry.models.flatMap(({ key, report }) => [key, report]));
  const uniqueFiles = files.filter((file, i) => files.findIndex(({ key }) => key === file.key) === i);
  const isMissing = await Promise.all(
    uniqueFiles.map(async ({ key, bytes, verify }) => {
      if (!registeredKeys.has(key)) return true;
      return verify && (await downloadFile(target, key, sha256(bytes)).catch(ignoreUnreadableFile)) === null;
    }),
  );
  return uniqueFiles.filter((_, i) => isMissing[i]);
}

/** Builds a query that returns a row if the publication is in the registry. */
function buildPublishedQuery({ models: [first] }: Publication): string | undefined {
  if (first === undefined) return undefined;
  const { name, version, sha256, createdAt } = first.row;
  return `SELECT 1 FROM models WHERE name = ${toSqlLiteral(name)} AND version = ${version}
    AND sha256 = ${toSqlLiteral(sha256)} AND created_at = ${toSqlLiteral(createdAt)}`;
}

/**
 * Builds the statements that add a dataset and update the table of stones. They write only the difference to
 * the newest dataset: new stones are inserted, and stones that are no longer in the dataset get their
 * `until`.
 */
async function buildDatasetStatements(
  target: Target,
  registry: Registry,
  dataset: Dataset,
  seq: number,
  file: StoredFile,
): Promise<string[]> {
  const oldIds = await readNewestStoneIds(target, registry);
  // A URL may be long enough to make a statement too long.
  const sources = dataset.sources.map((source) => ({
    ...source,
    name: truncate(source.name, MAX_NAME_LENGTH),
  }));
  const newIds = new Set(dataset.stones.map((stone) => stone.id));
  const removedIds = [...oldIds].filter((id) => !newIds.has(id)).map(toSqlLiteral);
  const addedStones = dataset.stones.filter((stone) => !oldIds.has(stone.id));
  return [
    ...toInsertStatements(datasets, [
      {
        seq,
        id: dataset.id,
        rows: dataset.stones.length,
        key: file.key,
        sha256: sha256(file.bytes),
        // Workers that are older than the table of sources read them here.
        sources: dataset.base || sources.length > MAX_EMBEDDED_SOURCES ? [] : sources,
        base: dataset.base?.seq ?? null,
        createdAt: new Date().toISOString(),
      },
    ]),
    ...toInsertStatements(
      datasetSources,
      sources.map((source, position) => ({ ...source, dataset: seq, position })),
    ),
    ...joinLiterals(removedIds).map(
      (ids) => `UPDATE diamonds SET until = ${seq} WHERE until IS NULL AND id IN (${ids});`,
    ),
    ...toInsertStatements(
      diamonds,
      addedStones.map((stone) => ({ ...stone, since: seq })),
    ),
  ];
}

/**
 * Reads the ids of the stones in the newest dataset: from its file or, if that is unreadable, from the table.
 */
async function readNewestStoneIds(target: Target, registry: Registry): Promise<ReadonlySet<string>> {
  const newest = registry.datasets.at(-1);
  if (newest === undefined) return new Set();
  const stones = await readDatasetFile(target, newest).catch(ignoreUnreadableFile);
  if (stones !== null) return new Set(stones.map(({ id }) => id));
  const [rows = []] = await query(target, ["SELECT id FROM diamonds WHERE until IS NULL"]);
  return new Set(rows.map(({ id }) => String(id)));
}
