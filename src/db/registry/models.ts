import { and, desc, eq, inArray, lt, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { alias } from "drizzle-orm/sqlite-core";
import type { ModelRecord, ModelReference, ModelSummary, Ranges } from "../../domain/model-record.ts";
import { CHALLENGER, CHAMPION } from "../../domain/model-selector.ts";
import { toModelReference } from "./aliases.ts";
import { aliases, aliasHistory, datasets, models } from "./schema.ts";

/** What serving needs to know of a model version. */
export interface ServedModel extends ModelReference {
  /** R2 key of the ONNX file, and the file's SHA-256. */
  readonly key: string;
  readonly sha256: string;
  /** `seq` of its dataset, and the seed of its split: together they say which stones it was trained on. */
  readonly dataset: number;
  readonly seed: number;
  readonly ranges: Ranges;
}

/** A version that is pointed at, and its row where it has one. */
export interface AliasTarget {
  readonly target: ModelReference;
  readonly model: ServedModel | null;
}

/** Where a name leads. `alias` is null for a model's own name. */
export interface ResolvedSelector extends AliasTarget {
  readonly alias: string | null;
  /** The version that answers a share of the requests instead, in percent. */
  readonly canary: (AliasTarget & { readonly share: number }) | null;
  /** Of the champion: the version that prices a share of its stones in the shadow, in percent. */
  readonly challenger: { readonly model: ServedModel; readonly share: number } | null;
}

const canaries = alias(models, "canary");

/** The columns of a {@link ServedModel}. */
function columnsOf<Table extends typeof models | typeof canaries>(table: Table) {
  const { name, version, key, sha256, dataset, seed, ranges } = table;
  return { name, version, key, sha256, dataset, seed, ranges } as Pick<Table, keyof ServedModel>;
}

const served = columnsOf(models);

const summary = {
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

const record = {
  ...summary,
  sha256: models.sha256,
  key: models.key,
  seed: models.seed,
  hyperparameters: models.hyperparameters,
  ranges: models.ranges,
  rejected: models.rejected,
  importance: models.importance,
  decision: models.decision,
  histograms: models.histograms,
  datasetRows: datasets.rows,
  sources: datasets.sources,
  runBy: models.runBy,
  runSeconds: models.runSeconds,
  gitCommit: models.gitCommit,
  facetVersion: models.facetVersion,
};

/** Where an alias points, or a model's newest version; null where the name is neither. */
export async function findByName(d1: D1Database, name: string): Promise<ResolvedSelector | null> {
  const db = drizzle(d1);
  const names = name === CHAMPION ? [CHAMPION, CHALLENGER] : [name];
  // Not a batch: drizzle reads a batch's rows by column name, and the joined tables share names.
  const [pointed, newest] = await Promise.all([
    db
      .select({
        alias: aliases.alias,
        share: aliases.share,
        target: { name: aliases.name, version: aliases.version },
        model: columnsOf(models),
        canaryName: aliases.canaryName,
        canaryVersion: aliases.canaryVersion,
        canary: columnsOf(canaries),
      })
      .from(aliases)
      .leftJoin(models, and(eq(models.name, aliases.name), eq(models.version, aliases.version)))
      .leftJoin(
        canaries,
        and(eq(canaries.name, aliases.canaryName), eq(canaries.version, aliases.canaryVersion)),
      )
      .where(inArray(aliases.alias, names)),
    db.select(served).from(models).where(eq(models.name, name)).orderBy(desc(models.version)).limit(1),
  ]);
  const found = pointed.find((row) => row.alias === name);
  if (found !== undefined) {
    const canary = toModelReference(found.canaryName, found.canaryVersion);
    const challenger = pointed.find((row) => row.alias !== name);
    return {
      alias: name,
      target: found.target,
      model: found.model,
      canary: canary && { target: canary, model: found.canary, share: found.share ?? 0 },
      challenger: challenger?.model ? { model: challenger.model, share: challenger.share ?? 0 } : null,
    };
  }
  return newest[0] ? toItself(newest[0]) : null;
}

export async function findVersion(
  d1: D1Database,
  name: string,
  version: number,
): Promise<ResolvedSelector | null> {
  const row = await drizzle(d1)
    .select(served)
    .from(models)
    .where(and(eq(models.name, name), eq(models.version, version)))
    .get();
  return row ? toItself(row) : null;
}

function toItself(model: ServedModel): ResolvedSelector {
  return { alias: null, target: model, model, canary: null, challenger: null };
}

/** Whether a model has this name. */
export async function hasModel(d1: D1Database, name: string): Promise<boolean> {
  const row = await drizzle(d1)
    .select({ version: models.version })
    .from(models)
    .where(eq(models.name, name))
    .get();
  return row !== undefined;
}

/** The versions that an alias pointed at, newest first, each once. */
export async function listPreviousVersions(
  d1: D1Database,
  name: string,
  most: number,
): Promise<ServedModel[]> {
  const last = sql<number>`max(${aliasHistory.revision})`;
  return drizzle(d1)
    .select(served)
    .from(aliasHistory)
    .innerJoin(models, and(eq(models.name, aliasHistory.name), eq(models.version, aliasHistory.version)))
    .where(eq(aliasHistory.alias, name))
    .groupBy(models.name, models.version)
    .orderBy(desc(last))
    .limit(most);
}

/** The newest version of each model, by name. */
export async function listNewestVersions(d1: D1Database): Promise<ModelSummary[]> {
  const db = drizzle(d1);
  const newest = db
    .select({ name: models.name, version: sql<number>`max(${models.version})`.as("newest") })
    .from(models)
    .groupBy(models.name)
    .as("newest");
  return db
    .select(summary)
    .from(newest)
    .innerJoin(models, and(eq(models.name, newest.name), eq(models.version, newest.version)))
    .innerJoin(datasets, eq(datasets.seq, models.dataset))
    .orderBy(models.name);
}

/** A model's versions, newest first, from below a version where one is given. */
export async function listVersions(
  d1: D1Database,
  name: string,
  { below, limit }: { below: number | undefined; limit: number },
): Promise<ModelSummary[]> {
  return drizzle(d1)
    .select(summary)
    .from(models)
    .innerJoin(datasets, eq(datasets.seq, models.dataset))
    .where(and(eq(models.name, name), below === undefined ? undefined : lt(models.version, below)))
    .orderBy(desc(models.version))
    .limit(limit);
}

/** One version in full, with the R2 key of its report; undefined where there is none. */
export async function readModelRecord(
  d1: D1Database,
  name: string,
  version: number,
): Promise<(ModelRecord & { reportKey: string | null }) | undefined> {
  return drizzle(d1)
    .select({ ...record, reportKey: models.report })
    .from(models)
    .innerJoin(datasets, eq(datasets.seq, models.dataset))
    .where(and(eq(models.name, name), eq(models.version, version)))
    .get();
}

/** R2 key of a version's report, null where it has none; undefined where there is no such version. */
export async function findReportKey(
  d1: D1Database,
  name: string,
  version: number,
): Promise<string | null | undefined> {
  const row = await drizzle(d1)
    .select({ report: models.report })
    .from(models)
    .where(and(eq(models.name, name), eq(models.version, version)))
    .get();
  return row?.report;
}
