import { integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Scope } from "../../domain/access.ts";
import { CLARITIES, COLORS, CUTS } from "../../domain/diamond.ts";
import type {
  DatasetSource,
  Decision,
  Histograms,
  Importance,
  Metrics,
  Ranges,
} from "../../domain/model-record.ts";

export type { DatasetSource };

/** A dataset that a model was trained on. `seq` orders them: a stone belongs to a span of datasets. */
export const datasets = sqliteTable("datasets", {
  seq: integer().primaryKey(),
  /** SHA-256 of the canonical rows, hexadecimal. */
  id: text().notNull().unique(),
  rows: integer().notNull(),
  /** R2 key of the canonical rows as gzipped CSV, and the file's SHA-256. */
  key: text().notNull(),
  sha256: text().notNull(),
  /** Where the rows came from. */
  sources: text({ mode: "json" }).$type<DatasetSource[]>().notNull(),
  createdAt: text("created_at").notNull(),
});

/** A stone with its price. */
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
 * The stones of all datasets. The primary key is the access path of `similar` (same grades, nearest
 * carat); the migration makes the table WITHOUT ROWID, so that a stone is one written row.
 */
export const diamonds = sqliteTable(
  "diamonds",
  {
    /** First 64 bits of the hash of the stone's canonical row, hexadecimal; copies of a row are numbered. */
    id: text().notNull(),
    ...stoneColumns(),
    /** What the split hashes: see src/domain/split.ts. */
    splitKey: integer("split_key").notNull(),
    /** The dataset (`seq`) in which the stone came in. */
    since: integer().notNull(),
    /** The dataset (`seq`) in which it was gone; null while it is in the newest. */
    until: integer(),
  },
  (t) => [primaryKey({ columns: [t.cut, t.color, t.clarity, t.carat, t.id, t.since] })],
);

/** Every model version ever published. Rows are never changed. */
export const models = sqliteTable(
  "models",
  {
    name: text().notNull(),
    version: integer().notNull(),
    key: text().notNull(),
    sha256: text().notNull(),
    bytes: integer().notNull(),
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
    importance: text({ mode: "json" }).$type<Importance>(),
    /** Distribution of each input in the training rows, and of the price over the test stones: what drift is measured against. */
    histograms: text({ mode: "json" }).$type<Histograms>(),
    /** How this version was judged against the champion of its time. */
    decision: text({ mode: "json" }).$type<Decision>(),
    /** R2 key of the rendered report. */
    report: text(),
    fitSeconds: real("fit_seconds").notNull(),
    /** Duration of the training run until publishing. */
    runSeconds: real("run_seconds").notNull(),
    /** Who ran it: the address of a CI run, or `local`. */
    runBy: text("run_by").notNull(),
    gitCommit: text("git_commit"),
    facetVersion: text("facet_version").notNull(),
    createdAt: text("created_at").notNull(),
  },
  (t) => [primaryKey({ columns: [t.name, t.version] })],
);

/** Names that point at a model version and can be moved: `champion`. */
export const aliases = sqliteTable("aliases", {
  alias: text().primaryKey(),
  name: text().notNull(),
  version: integer().notNull(),
  revision: integer().notNull(),
  /**
   * Percent of predictions: of `champion`, those that its canary answers; of `challenger`, those that are
   * priced by it as well, in its shadow.
   */
  share: integer(),
  canaryName: text("canary_name"),
  canaryVersion: integer("canary_version"),
  updatedAt: text("updated_at").notNull(),
});

/** Each move of an alias: who, when, why, from which version. */
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
    /** The alias was taken away with this move; name and version are those that it left. */
    removed: integer({ mode: "boolean" }),
    actor: text().notNull(),
    reason: text().notNull(),
    at: text().notNull(),
  },
  (t) => [primaryKey({ columns: [t.alias, t.revision] })],
);

/** Keys of callers. The key itself is nowhere: only its hash. */
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

/** Stones that were sent in with their price; the next training takes the accepted ones. */
export const appraisals = sqliteTable("appraisals", {
  /** As in `diamonds`: the same row sent twice is one stone. */
  id: text().primaryKey(),
  ...stoneColumns(),
  /** `quarantined`: sent among prices too far from the champion's; only `--accept-feed` takes it. */
  status: text({ enum: ["accepted", "quarantined"] }).notNull(),
  /** Who sent it: the key's name, and what they call the source. */
  source: text().notNull(),
  requestId: text("request_id").notNull(),
  receivedAt: text("received_at").notNull(),
});

/** Stones that no later dataset takes, such as wrong appraisals. Datasets of before keep them. */
export const withdrawals = sqliteTable("withdrawals", {
  /** The stone's id. */
  id: text().primaryKey(),
  reason: text().notNull(),
  actor: text().notNull(),
  at: text().notNull(),
});
