import { sql } from "drizzle-orm";
import { index, integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * The indexes for searches in the log. Each index costs one more written row, so only responses other than
 * 200, slow requests and callers with a key have one, and route and model share one. The keys are text. The
 * id follows the key, so that the requests of one key are in order of time.
 */
export const SEARCH_INDEXES = {
  status: { name: "requests_status", key: "CAST(status AS TEXT)", where: "status <> 200" },
  /** The duration's power of two, plus 10 so that it has two digits: key 14 is 16 ms to 32 ms. */
  slow: {
    name: "requests_slow",
    key: "CAST(10 + CAST(log2(duration_ms) AS INTEGER) AS TEXT)",
    where: "duration_ms >= 16",
  },
  /** The route, a space, and `name@version` of the model if one answered. (drizzle-kit splits at a comma.) */
  answered: {
    name: "requests_answered",
    key: "CASE WHEN route IS NULL THEN '' ELSE route END || ' ' || CASE WHEN model IS NULL THEN '' ELSE model || '@' || model_version END",
    where: "true",
  },
  caller: { name: "requests_caller", key: "caller", where: "caller IS NOT NULL" },
} as const;

/**
 * Every request and its response. The id is a UUIDv7 from the Worker, so the rows are in order of time.
 * CONTRIBUTING.md says what else a new column needs; types and tests check each place.
 */
export const requests = sqliteTable(
  "requests",
  {
    id: text().primaryKey(),
    /** When the request arrived, milliseconds since 1970. */
    at: integer().notNull(),
    method: text().notNull(),
    path: text().notNull(),
    /** The pattern of the route, such as `/v1/models/:name`; null if none matched. */
    route: text(),
    query: text(),
    status: integer().notNull(),
    durationMs: real("duration_ms").notNull(),
    requestBody: text("request_body"),
    responseBody: text("response_body"),
    /** R2 key of both bodies if they are too large for a row. The row then has the start of each body. */
    bodies: text(),
    model: text(),
    modelVersion: integer("model_version"),
    /** The predicted price, US dollars; null if there is none or more than one. */
    price: real(),
    /** The challenger that priced the same stone after the response, and its price. */
    shadowModel: text("shadow_model"),
    shadowVersion: integer("shadow_version"),
    shadowPrice: real("shadow_price"),
    /** Name of the caller's key; null for callers without a key. */
    caller: text(),
    userAgent: text("user_agent"),
    country: text(),
    /** Airport code of the Cloudflare location that answered. */
    colo: text(),
    /** Internal errors and warnings of the request, for operators. Callers never see them. */
    problem: text(),
    /** How many further requests this row counts: requests of the same caller that were answered the same. */
    repeats: integer(),
  },
  () =>
    Object.values(SEARCH_INDEXES).map(({ name, key, where }) => {
      const fullIndex = index(name).on(sql.raw(key));
      return where === "true" ? fullIndex : fullIndex.where(sql.raw(where));
    }),
);

/** Sale prices of predicted stones. A correction adds a row, and the newest row of a stone counts. */
export const outcomes = sqliteTable(
  "outcomes",
  {
    /** Id of the prediction's request, and the position of the stone in it, from 0. */
    prediction: text().notNull(),
    item: integer().notNull(),
    /** Id of the outcome request. Later requests have greater ids. */
    id: text().notNull(),
    at: integer().notNull(),
    /** US dollars. */
    price: real().notNull(),
    soldAt: text("sold_at"),
    caller: text(),
    /** The predicted price, and the model version that predicted it. */
    predicted: real().notNull(),
    model: text().notNull(),
    modelVersion: integer("model_version").notNull(),
    /** The range in the answer, US dollars, and its coverage; null if the answer had no range. */
    rangeLow: real("range_low"),
    rangeHigh: real("range_high"),
    coverage: real(),
  },
  (t) => [
    primaryKey({ columns: [t.prediction, t.item, t.id] }),
    index("outcomes_at").on(t.at),
    index("outcomes_id").on(t.id),
  ],
);

/**
 * Ids of erased requests, kept as long as their record can still arrive through a queue. The table keeps its
 * old name `forgotten`, as does the column `pending` below: during a rollout the old Worker still uses them.
 */
export const erasedRequests = sqliteTable("forgotten", {
  id: text().primaryKey(),
  /** When the request was erased, milliseconds since 1970. */
  at: integer().notNull(),
});

/** Erasures that are not complete. A scheduled job continues them. */
export const erasures = sqliteTable("erasures", {
  /** Id of the request that is erased. */
  id: text().primaryKey(),
  /** When the erasure was asked for, or last continued, milliseconds since 1970. */
  at: integer().notNull(),
});

/**
 * Counts of an hour. `kind` and `subject` say what is counted, and `counts` has one number for each bin. Some
 * kinds have three numbers instead. `outcome` and `expected`: stones, sum of absolute errors, sum of relative
 * errors. `coverage`: outcomes with a range, those inside of it, sum of the coverages. See
 * src/monitoring/rollup.ts.
 */
export const rollups = sqliteTable(
  "rollups",
  {
    /** Hours since 1970. */
    hour: integer().notNull(),
    kind: text({ enum: ["latency", "model", "input", "outcome", "coverage", "expected"] }).notNull(),
    subject: text().notNull(),
    counts: text({ mode: "json" }).$type<number[]>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.hour, t.kind, t.subject] })],
);

/** The hours that are counted or must be counted. */
export const rollupHours = sqliteTable("rollup_hours", {
  hour: integer().primaryKey(),
  /** When the hour was last counted, milliseconds since 1970; 0 if it never was. */
  countedAt: integer("counted_at").notNull(),
  /** How often the data of the hour changed since then. Above 0 the hour must be counted again. */
  dirty: integer("pending").notNull().default(0),
});

/** Work that only one run at a time may do: who holds the lease, and until when. */
export const leases = sqliteTable("leases", {
  name: text().primaryKey(),
  holder: text().notNull(),
  until: integer().notNull(),
});
