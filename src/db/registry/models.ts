import { and, desc, eq, inArray, lt, sql } from "drizzle-orm";
import { alias } from "drizzle-orm/sqlite-core";
import type { RecordedMemory } from "../../domain/models/model-memory.ts";
import type { ModelRecord, ModelSummary } from "../../domain/models/model-record.ts";
import { type ModelReference, toModelReference } from "../../domain/models/model-reference.ts";
import { CHALLENGER, CHAMPION } from "../../domain/models/model-selector.ts";
import type { Background } from "../../domain/prediction/explanation.ts";
import type { ModelFacts } from "../../domain/prediction/prediction.ts";
import { listSources } from "../dataset-sources/read.ts";
import { openDrizzle, type Queryable } from "../sessions.ts";
import { aliases, aliasHistory, datasets, models } from "./schema.ts";

/** The fields of a model version that predictions need. */
export interface ServedModel extends ModelReference, ModelFacts, RecordedMemory {
  /** R2 key of the ONNX file, and the file's SHA-256. */
  readonly key: string;
  readonly sha256: string;
  /** `seq` of its dataset and seed of its split. Together they determine which stones it was trained on. */
  readonly dataset: number;
  readonly seed: number;
}

/** The version that an alias or its canary points at. `model` is null if the version is not registered. */
export interface AliasTarget {
  readonly target: ModelReference;
  readonly model: ServedModel | null;
}

/** The model version that a selector stands for. `alias` is null for the name or version of a model. */
export interface ResolvedSelector extends AliasTarget {
  readonly alias: string | null;
  /** The version that answers a percentage of the requests in place of the target. */
  readonly canary: (AliasTarget & { readonly share: number }) | null;
  /** Only for the champion: the version that makes shadow predictions, for a percentage of the requests. */
  readonly challenger: { readonly model: ServedModel; readonly share: number } | null;
  /** The registry did not answer: this comes from its copy in the bucket. */
  readonly isFromCopy: boolean;
}

const canaryModels = alias(models, "canary");

function pickServedColumns<Table extends typeof models | typeof canaryModels>(table: Table) {
  const { name, version, key, sha256, bytes, memoryBytes, sessionBytes, dataset, seed } = table;
  const { ranges, calibration, plausibility } = table;
  const file = { key, sha256, bytes, memoryBytes, sessionBytes };
  const columns = { name, version, ...file, dataset, seed, ranges, calibration, plausibility };
  return columns as Pick<Table, keyof ServedModel>;
}

const SERVED_COLUMNS = pickServedColumns(models);

const SUMMARY_COLUMNS = {
  name: models.name,
  version: models.version,
  createdAt: models.createdAt,
  metrics: models.metrics,
  trainRows: models.trainRows,
  testRows: models.testRows,
  bytes: models.bytes,
  fitSeconds: models.fitSeconds,
  dataset: datasets.id,
};

const RECORD_COLUMNS = {
  ...SUMMARY_COLUMNS,
  sha256: models.sha256,
  key: models.key,
  memoryBytes: models.memoryBytes,
  sessionBytes: models.sessionBytes,
  seed: models.seed,
  hyperparameters: models.hyperparameters,
  ranges: models.ranges,
  calibration: models.calibration,
  plausibility: models.plausibility,
  background: models.background,
  rejected: models.rejected,
  importance: models.importance,
  decision: models.decision,
  histograms: models.histograms,
  datasetRows: datasets.rows,
  runBy: models.runBy,
  runSeconds: models.runSeconds,
  gitCommit: models.gitCommit,
  facetVersion: models.facetVersion,
};

/** Resolves the name of an alias, or of a model to its newest version; null if there is neither. */
export async function resolveName(d1: Queryable, name: string): Promise<ResolvedSelector | null> {
  const db = openDrizzle(d1);
  const names = name === CHAMPION ? [CHAMPION, CHALLENGER] : [name];
  // Two queries and no batch: in a batch, drizzle reads columns by name, and the joined tables share names.
  const [aliasRows, newest] = await Promise.all([
    db
      .select({
        alias: aliases.alias,
        share: aliases.share,
        target: { name: aliases.name, version: aliases.version },
        model: pickServedColumns(models),
        canaryName: aliases.canaryName,
        canaryVersion: aliases.canaryVersion,
        canary: pickServedColumns(canaryModels),
      })
      .from(aliases)
      .leftJoin(models, and(eq(models.name, aliases.name), eq(models.version, aliases.version)))
      .leftJoin(
        canaryModels,
        and(eq(canaryModels.name, aliases.canaryName), eq(canaryModels.version, aliases.canaryVersion)),
      )
      .where(inArray(aliases.alias, names)),
    db
      .select(SERVED_COLUMNS)
      .from(models)
      .where(eq(models.name, name))
      .orderBy(desc(models.version))
      .limit(1),
  ]);
  const found = aliasRows.find((row) => row.alias === name);
  if (found !== undefined) {
    const canary = toModelReference(found.canaryName, found.canaryVersion);
    const challenger = aliasRows.find((row) => row.alias !== name);
    return {
      alias: name,
      target: found.target,
      model: found.model,
      canary: canary && { target: canary, model: found.canary, share: found.share ?? 0 },
      challenger: challenger?.model ? { model: challenger.model, share: challenger.share ?? 0 } : null,
      isFromCopy: false,
    };
  }
  return newest[0] ? toResolvedVersion(newest[0]) : null;
}

export async function findVersion(
  d1: Queryable,
  name: string,
  version: number,
): Promise<ResolvedSelector | null> {
  const row = await openDrizzle(d1)
    .select(SERVED_COLUMNS)
    .from(models)
    .where(and(eq(models.name, name), eq(models.version, version)))
    .get();
  return row ? toResolvedVersion(row) : null;
}

export function toResolvedVersion(model: ServedModel): ResolvedSelector {
  return { alias: null, target: model, model, canary: null, challenger: null, isFromCopy: false };
}

/** Whether a model with this name exists. */
export async function hasModel(d1: Queryable, name: string): Promise<boolean> {
  const row = await openDrizzle(d1)
    .select({ version: models.version })
    .from(models)
    .where(eq(models.name, name))
    .get();
  return row !== undefined;
}

/** Returns the versions that an alias pointed at, each once, the most recent first. */
export async function listPreviousVersions(
  d1: Queryable,
  name: string,
  limit: number,
): Promise<ServedModel[]> {
  const lastRevision = sql<number>`max(${aliasHistory.revision})`;
  return openDrizzle(d1)
    .select(SERVED_COLUMNS)
    .from(aliasHistory)
    .innerJoin(models, and(eq(models.name, aliasHistory.name), eq(models.version, aliasHistory.version)))
    .where(eq(aliasHistory.alias, name))
    .groupBy(models.name, models.version)
    .orderBy(desc(lastRevision))
    .limit(limit);
}

/** Returns the newest version of each model, ordered by name. */
export async function listNewestVersions(d1: Queryable): Promise<ModelSummary[]> {
  const db = openDrizzle(d1);
  const newest = db
    .select({ name: models.name, version: sql<number>`max(${models.version})`.as("newest") })
    .from(models)
    .groupBy(models.name)
    .as("newest");
  return db
    .select(SUMMARY_COLUMNS)
    .from(newest)
    .innerJoin(models, and(eq(models.name, newest.name), eq(models.version, newest.version)))
    .innerJoin(datasets, eq(datasets.seq, models.dataset))
    .orderBy(models.name);
}

/**
 * Returns the versions of a model, newest first.
 * @param page only versions below `below`, at most `limit`
 */
export async function listVersions(
  d1: Queryable,
  name: string,
  { below, limit }: { below: number | undefined; limit: number },
): Promise<ModelSummary[]> {
  return openDrizzle(d1)
    .select(SUMMARY_COLUMNS)
    .from(models)
    .innerJoin(datasets, eq(datasets.seq, models.dataset))
    .where(and(eq(models.name, name), below === undefined ? undefined : lt(models.version, below)))
    .orderBy(desc(models.version))
    .limit(limit);
}

/** Returns one version in full and the R2 key of its report; undefined if there is no such version. */
export async function readModelRecord(
  d1: Queryable,
  name: string,
  version: number,
): Promise<(ModelRecord & { reportKey: string | null }) | undefined> {
  const record = await openDrizzle(d1)
    .select({ ...RECORD_COLUMNS, reportKey: models.report })
    .from(models)
    .innerJoin(datasets, eq(datasets.seq, models.dataset))
    .where(and(eq(models.name, name), eq(models.version, version)))
    .get();
  // One after the other: a replica that did not have the sources yet may have the version a moment later.
  return record && { ...record, sources: await listSources(d1, name, version) };
}

/** Returns the R2 key of a version's report; null without a report, undefined if there is no such version. */
export async function findReportKey(
  d1: Queryable,
  name: string,
  version: number,
): Promise<string | null | undefined> {
  const row = await openDrizzle(d1)
    .select({ report: models.report })
    .from(models)
    .where(and(eq(models.name, name), eq(models.version, version)))
    .get();
  return row?.report;
}

/** Returns the background stones of a version; null if it has none, undefined if there is no such version. */
export async function findBackground(
  d1: Queryable,
  { name, version }: ModelReference,
): Promise<Background | null | undefined> {
  const row = await openDrizzle(d1)
    .select({ background: models.background })
    .from(models)
    .where(and(eq(models.name, name), eq(models.version, version)))
    .get();
  return row?.background;
}
