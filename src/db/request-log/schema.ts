import { sql } from "drizzle-orm";
import { index, integer, primaryKey, real, sqliteTable, text } from "drizzle-orm/sqlite-core";

/**
 * By what the log is searched. Each index is a further written row: so only answers that are no plain
 * success, slow requests and callers with a key have one, and route and model share one. Keys are text; the id
 * comes after the key, so that the requests of one key lie in order of time.
 */
export const SEARCH_INDEXES = {
  status: { name: "requests_status", key: "CAST(status AS TEXT)", where: "status <> 200" },
  /** The duration's power of two, plus 10 for two digits: key 14 takes from 16 to 32 ms. */
  slow: {
    name: "requests_slow",
    key: "CAST(10 + CAST(log2(duration_ms) AS INTEGER) AS TEXT)",
    where: "duration_ms >= 16",
  },
  /** The route, a space, and `name@version` where a model answered. (drizzle-kit would split at a comma.) */
  answered: {
    name: "requests_answered",
    key: "CASE WHEN route IS NULL THEN '' ELSE route END || ' ' || CASE WHEN model IS NULL THEN '' ELSE model || '@' || model_version END",
    where: "true",
  },
  caller: { name: "requests_caller", key: "caller", where: "caller IS NOT NULL" },
} as const;

/** Every request and its response. The id is a UUIDv7 made by the Worker, so rows lie in order of time. */
export const requests = sqliteTable(
  "requests",
  {
    id: text().primaryKey(),
    /** When the request came, milliseconds since 1970. */
    at: integer().notNull(),
    method: text().notNull(),
    path: text().notNull(),
    /** The route's pattern, such as `/v1/models/:name`; null where none matched. */
    route: text(),
    query: text(),
    status: integer().notNull(),
    durationMs: real("duration_ms").notNull(),
    requestBody: text("request_body"),
    responseBody: text("response_body"),
    /** R2 key of both bodies where they are too large for a row, which then has the beginning of each. */
    bodies: text(),
    model: text(),
    modelVersion: integer("model_version"),
    /** The price answered, US dollars; null where none or more than one. */
    price: real(),
    /** The challenger that priced the same stone after the answer, and its price. */
    shadowModel: text("shadow_model"),
    shadowVersion: integer("shadow_version"),
    shadowPrice: real("shadow_price"),
    /** Name of the caller's key; null for callers without one. */
    caller: text(),
    userAgent: text("user_agent"),
    country: text(),
    /** Cloudflare's location that answered, an airport's code. */
    colo: text(),
    /** What went wrong behind the answer, for those who run Facet; never shown to callers. */
    problem: text(),
  },
  () =>
    Object.values(SEARCH_INDEXES).map(({ name, key, where }) => {
      const all = index(name).on(sql.raw(key));
      return where === "true" ? all : all.where(sql.raw(where));
    }),
);

/** What stones really sold for. A correction is a further row: the newest of an item counts. */
export const outcomes = sqliteTable(
  "outcomes",
  {
    /** The prediction's request, and the place of the stone in it, from 0. */
    prediction: text().notNull(),
    item: integer().notNull(),
    /** The request that brought it: later ones have greater ids. */
    id: text().notNull(),
    at: integer().notNull(),
    /** US dollars. */
    price: real().notNull(),
    soldAt: text("sold_at"),
    caller: text(),
    /** What was predicted, and by which model. */
    predicted: real().notNull(),
    model: text().notNull(),
    modelVersion: integer("model_version").notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.prediction, t.item, t.id] }),
    index("outcomes_at").on(t.at),
    index("outcomes_id").on(t.id),
  ],
);

/**
 * Requests that were forgotten, for as long as their record can still be on its way here: it is not written
 * any more.
 */
export const erasedRequests = sqliteTable("forgotten", {
  id: text().primaryKey(),
  /** When they were, milliseconds since 1970. */
  at: integer().notNull(),
});

/**
 * What happened in an hour, counted: `kind` and `subject` say what of, `counts` how often each value fell
 * into each bin (of outcomes: how many, and the sums of their errors). See src/log/rollup.ts.
 */
export const rollups = sqliteTable(
  "rollups",
  {
    /** Hours since 1970. */
    hour: integer().notNull(),
    kind: text({ enum: ["latency", "model", "input", "outcome"] }).notNull(),
    subject: text().notNull(),
    counts: text({ mode: "json" }).$type<number[]>().notNull(),
  },
  (t) => [primaryKey({ columns: [t.hour, t.kind, t.subject] })],
);

/** The hours that are counted or to be counted. */
export const rollupHours = sqliteTable("rollup_hours", {
  hour: integer().primaryKey(),
  /** When it was last counted, milliseconds since 1970; 0 where it never was. */
  countedAt: integer("counted_at").notNull(),
  /** How often something came into it since then: it is to be counted again. */
  dirty: integer("pending").notNull().default(0),
});

/** Work that one run at a time may do, and until when the one that does it has it. */
export const leases = sqliteTable("leases", {
  name: text().primaryKey(),
  holder: text().notNull(),
  until: integer().notNull(),
});
