import { integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Scope } from "../../domain/access.ts";
import { CLARITIES, COLORS, CUTS } from "../../domain/diamond.ts";
import { FEED_BOUNDS } from "../../domain/feed-check.ts";
import type {
  DatasetSource,
  Decision,
  Histograms,
  Importance,
  Metrics,
  Ranges,
} from "../../domain/models/model-record.ts";
import type { Calibration } from "../../domain/prediction/calibration.ts";
import type { Background } from "../../domain/prediction/explanation.ts";
import type { Plausibility } from "../../domain/prediction/plausibility.ts";

export type { DatasetSource };

/** The datasets that models were trained on, ordered by `seq`. */
export const datasets = sqliteTable("datasets", {
  seq: integer().primaryKey(),
  /** SHA-256 of the ids of its stones in order, hexadecimal. */
  id: text().notNull().unique(),
  rows: integer().notNull(),
  /** R2 key of the canonical rows as gzipped CSV, and the SHA-256 of this file. */
  key: text().notNull(),
  sha256: text().notNull(),
  /**
   * All sources of a dataset that is older than the table `dataset_sources`, and of one that extends none and has
   * few sources, for Workers that do not know the table; else empty.
   */
  sources: text({ mode: "json" }).$type<DatasetSource[]>().notNull(),
  /** `seq` of the dataset that this one extends, and whose sources it has too; null if there is none. */
  base: integer(),
  createdAt: text("created_at").notNull(),
});

/**
 * The sources that added stones to a dataset, a row each: D1 refuses a statement with a list of some 565 of them.
 * The sources of the datasets that it extends (`base`) are not repeated.
 */
export const datasetSources = sqliteTable(
  "dataset_sources",
  {
    /** `seq` of the dataset. */
    dataset: integer().notNull(),
    /** Position in the dataset's list, from 0. */
    position: integer().notNull(),
    name: text().notNull(),
    /** Number of rows that were accepted. */
    rows: integer().notNull(),
    /** Number of rejected rows, by reason. */
    rejected: text({ mode: "json" }).$type<Record<string, number>>().notNull(),
    readAt: text("read_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.dataset, t.position] })],
);

/** The columns of a stone with its price. */
const stoneColumns = () => ({
  carat: real().notNull(),
  cut: text({ enum: CUTS }).notNull(),
  color: text({ enum: COLORS }).notNull(),
  clarity: text({ enum: CLARITIES }).notNull(),
  depth: real().notNull(),
  table: real().notNull(),
  x: real().notNull(),
  y: real().notNull(),
  z: real().notNull(),
  price: real().notNull(),
});

/**
 * The stones of all datasets. The endpoint `similar` searches along the primary key: equal grades, nearest
 * weight. The migration creates the table WITHOUT ROWID: without a separate index, D1 bills one written row
 * per stone instead of two.
 */
export const diamonds = sqliteTable(
  "diamonds",
  {
    /** First 64 bits of the SHA-256 of the stone's row, hexadecimal, see src/domain/stone-id.ts. */
    id: text().notNull(),
    ...stoneColumns(),
    /** Decides between training and test split, see src/domain/split.ts. */
    splitKey: integer("split_key").notNull(),
    /** `seq` of the first dataset that has the stone. */
    since: integer().notNull(),
    /** `seq` of the first later dataset that does not have it; null while the newest dataset has it. */
    until: integer(),
  },
  (t) => [primaryKey({ columns: [t.cut, t.color, t.clarity, t.carat, t.id, t.since] })],
);

/** All published model versions. Rows are never changed, except that missing figures of memory are added. */
export const models = sqliteTable(
  "models",
  {
    name: text().notNull(),
    version: integer().notNull(),
    /** R2 key of the ONNX file, then the file's SHA-256 and its size in bytes. */
    key: text().notNull(),
    sha256: text().notNull(),
    bytes: integer().notNull(),
    /** Memory of the ONNX runtime: while the model is loaded, and what it keeps. Null if not measured yet. */
    memoryBytes: integer("memory_bytes"),
    sessionBytes: integer("session_bytes"),
    dataset: integer()
      .notNull()
      .references(() => datasets.seq),
    trainRows: integer("train_rows").notNull(),
    testRows: integer("test_rows").notNull(),
    rejected: text({ mode: "json" }).$type<Record<string, number>>().notNull(),
    seed: integer().notNull(),
    hyperparameters: text({ mode: "json" }).$type<Record<string, unknown>>().notNull(),
    metrics: text({ mode: "json" }).$type<Metrics>().notNull(),
    ranges: text({ mode: "json" }).$type<Ranges>().notNull(),
    /** The distribution of real prices around the model's prices. Ranges are computed from it. */
    calibration: text({ mode: "json" }).$type<Calibration>(),
    /** The limits of plausible stones. Warnings are computed from them. */
    plausibility: text({ mode: "json" }).$type<Plausibility>(),
    /** Training stones that explanations compare a stone with. */
    background: text({ mode: "json" }).$type<Background>(),
    importance: text({ mode: "json" }).$type<Importance>(),
    /**
     * Distribution of each input in the training rows, and of the price over the test stones. Drift is
     * measured against it.
     */
    histograms: text({ mode: "json" }).$type<Histograms>(),
    /** The comparison with the champion at the time of the training. */
    decision: text({ mode: "json" }).$type<Decision>(),
    /** R2 key of the rendered report. */
    report: text(),
    fitSeconds: real("fit_seconds").notNull(),
    /** Duration of the training run until the publication. */
    runSeconds: real("run_seconds").notNull(),
    /** URL of the CI run, or `local`. */
    runBy: text("run_by").notNull(),
    gitCommit: text("git_commit"),
    facetVersion: text("facet_version").notNull(),
    createdAt: text("created_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.name, t.version] })],
);

/** Names that point at a model version and can be moved, such as `champion`. */
export const aliases = sqliteTable("aliases", {
  alias: text().primaryKey(),
  name: text().notNull(),
  version: integer().notNull(),
  revision: integer().notNull(),
  /**
   * Percentage of predictions: for `champion`, those made by its canary; for `challenger`, those that it
   * repeats as shadow predictions.
   */
  share: integer(),
  canaryName: text("canary_name"),
  canaryVersion: integer("canary_version"),
  updatedAt: text("updated_at").notNull(),
});

/** All moves of aliases: who, when, why, and from which version. */
export const aliasHistory = sqliteTable(
  "alias_history",
  {
    alias: text().notNull(),
    revision: integer().notNull(),
    name: text().notNull(),
    version: integer().notNull(),
    fromName: text("from_name"),
    fromVersion: integer("from_version"),
    share: integer(),
    canaryName: text("canary_name"),
    canaryVersion: integer("canary_version"),
    /** The move removed the alias. `name` and `version` are those that it pointed at until then. */
    removed: integer({ mode: "boolean" }),
    actor: text().notNull(),
    reason: text().notNull(),
    at: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.alias, t.revision] })],
);

/** API keys of callers. Only the hash of a key is stored. */
export const keys = sqliteTable("keys", {
  /** SHA-256 of the key, hexadecimal. */
  hash: text().primaryKey(),
  name: text().notNull().unique(),
  scopes: text({ mode: "json" }).$type<Scope[]>().notNull(),
  createdAt: text("created_at").notNull(),
  lastUsedAt: text("last_used_at"),
  expiresAt: text("expires_at"),
  revokedAt: text("revoked_at"),
});

/** Stones that callers sent with their price. The next training uses the accepted ones. */
export const appraisals = sqliteTable("appraisals", {
  /** Computed as in `diamonds`, so a row that is sent twice is stored once. */
  id: text().primaryKey(),
  ...stoneColumns(),
  /** `quarantined`: a check holds the stone. The training uses it only with `--accept-feed`. */
  status: text({ enum: ["accepted", "quarantined"] }).notNull(),
  /** Name of the caller's key, and the name that the caller gave the source. */
  source: text().notNull(),
  requestId: text("request_id").notNull(),
  receivedAt: text("received_at").notNull(),
});

/**
 * Why appraisals are or were quarantined. A stone with such a row and the status `accepted` was accepted by an
 * operator: no check holds it again. The reason is not a column of `appraisals`: most of them have none.
 */
export const quarantines = sqliteTable("quarantines", {
  /** The stone's id. */
  id: text().primaryKey(),
  bound: text({ enum: FEED_BOUNDS }).notNull(),
  /** A sentence with the figures of the check. */
  reason: text().notNull(),
  at: text().notNull(),
});

/** Stones that are excluded from later datasets, such as wrong appraisals. Earlier datasets keep them. */
export const withdrawals = sqliteTable("withdrawals", {
  /** The stone's id. */
  id: text().primaryKey(),
  reason: text().notNull(),
  actor: text().notNull(),
  at: text().notNull(),
});

/**
 * One row: the number of changes of aliases, keys and models, for the copy of the registry in the bucket
 * (src/db/registry-copy). Triggers count them in the transaction of each change, whoever makes it. They are in
 * the migration only, because drizzle has no triggers.
 */
export const registryRevision = sqliteTable("registry_revision", {
  /** Always 1. */
  id: integer().primaryKey(),
  revision: integer().notNull(),
});

/**
 * Files that pruning deletes or has deleted, so that a training run at the same time does not publish a version
 * without its file. See training/registry/pruned-files.ts.
 */
export const prunedFiles = sqliteTable("pruned_files", {
  /** Key in the bucket. */
  key: text().primaryKey(),
  /** Counts the changes of this table. */
  revision: integer().notNull(),
  isDeleted: integer("is_deleted", { mode: "boolean" }).notNull(),
});
