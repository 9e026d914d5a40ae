import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, it } from "vitest";
import type { HeldAppraisal, NewAppraisal } from "../../../training/appraisals/check-prices.ts";
import { buildAcceptStatements, buildHoldStatements } from "../../../training/appraisals/store-review.ts";
import { FRESH_STONE_QUERIES, parseFreshStones } from "../../../training/registry/fresh-stones.ts";
import { createAppraisals } from "./new-appraisals.ts";

const MIGRATIONS = join(import.meta.dirname, "../../../migrations/registry");
const AT = new Date("2026-12-01T00:00:00Z");
const FAILURE = { bound: "median", reason: "it's 1.45 times; too much" } as const;

let database: DatabaseSync;

beforeEach(() => {
  database = new DatabaseSync(":memory:");
  const files = readdirSync(MIGRATIONS).filter((name) => name.endsWith(".sql"));
  for (const name of files.toSorted()) database.exec(readFileSync(join(MIGRATIONS, name), "utf8"));
});

function insert(appraisals: readonly NewAppraisal[], source?: string): void {
  const statement = database.prepare(
    `INSERT INTO appraisals (id, carat, cut, color, clarity, depth, "table", x, y, z, price, status, source, request_id, received_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'accepted', ?, 'r', ?)`,
  );
  database.exec("BEGIN");
  for (const { rowId, stone, key, receivedAt } of appraisals) {
    const { carat, cut, color, clarity, depth, table, x, y, z, price } = stone;
    statement.run(rowId, carat, cut, color, clarity, depth, table, x, y, z, price, source ?? key, receivedAt);
  }
  database.exec("COMMIT");
}

const hold = (appraisals: readonly NewAppraisal[], failure: HeldAppraisal["failure"] = FAILURE) =>
  appraisals.map((appraisal) => ({ appraisal, failure }));

const execute = (statements: readonly string[]) => database.exec(statements.join("\n"));

/** The number of stones by status, bound and reason. */
const readStatuses = () =>
  database
    .prepare(
      `SELECT status, bound, reason, count(*) AS stones FROM appraisals
       LEFT JOIN quarantines ON quarantines.id = appraisals.id GROUP BY 1, 2, 3 ORDER BY 1, 2`,
    )
    .all()
    .map((row) => ({ ...row }));

const readFresh = () =>
  parseFreshStones(FRESH_STONE_QUERIES.map((sql) => database.prepare(sql).all() as never));

describe("buildHoldStatements", () => {
  it("quarantines the stones with their reason, and can be repeated by another run", () => {
    const appraisals = createAppraisals({ count: 10 });
    insert(appraisals);
    for (const reason of [FAILURE, { bound: "quota", reason: "of another run" } as const])
      execute(buildHoldStatements(hold(appraisals.slice(0, 4), reason), AT));
    expect(readStatuses()).toEqual([
      { status: "accepted", bound: null, reason: null, stones: 6 },
      { status: "quarantined", ...FAILURE, stones: 4 },
    ]);
  });

  it("keeps each statement below the limit of D1 with 20,000 stones", () => {
    const appraisals = createAppraisals({ count: 20_000 });
    insert(appraisals);
    const statements = buildHoldStatements(hold(appraisals), AT);
    expect(Math.max(...statements.map((statement) => statement.length))).toBeLessThan(100_000);
    execute(statements);
    expect(readStatuses()).toEqual([{ status: "quarantined", ...FAILURE, stones: 20_000 }]);
  });

  it("takes row ids of any text", () => {
    const [appraisal] = createAppraisals({ count: 1 });
    const odd = { ...appraisal!, rowId: "it's; odd\n" };
    insert([odd]);
    execute(buildHoldStatements(hold([odd]), AT));
    expect(readStatuses()).toEqual([{ status: "quarantined", ...FAILURE, stones: 1 }]);
  });
});

describe("buildAcceptStatements", () => {
  it("accepts the stones for good, also if another run holds them at the same time", () => {
    const [held, exceeding] = [createAppraisals({ count: 3 }), createAppraisals({ count: 2 })];
    insert([...held, ...exceeding]);
    execute(buildHoldStatements(hold(held), AT));
    const review = { taken: [], exceeding: hold(exceeding), quarantined: held, acceptsAll: true };
    execute(buildAcceptStatements(review, AT));
    execute(buildHoldStatements(hold([...held, ...exceeding]), AT));
    expect(readStatuses()).toEqual([{ status: "accepted", ...FAILURE, stones: 5 }]);
    expect(
      readFresh().appraisals.every(({ isQuarantined, bound }) => !isQuarantined && bound === "median"),
    ).toBe(true);
  });

  it("accepts stones that an earlier version quarantined without a reason", () => {
    const quarantined = createAppraisals({ count: 2 });
    insert(quarantined);
    database.exec("UPDATE appraisals SET status = 'quarantined'");
    expect(readFresh().appraisals).toMatchObject(Array(2).fill({ isQuarantined: true, bound: null }));
    execute(buildAcceptStatements({ taken: [], exceeding: [], quarantined, acceptsAll: true }, AT));
    expect(readStatuses()).toMatchObject([{ status: "accepted", bound: "deviation", stones: 2 }]);
  });
});

describe("parseFreshStones", () => {
  it("reads the key from the source", () => {
    for (const source of ["dealer", "dealer: auction: May", "anonymous: dealer"])
      insert(createAppraisals({ count: 1 }), source);
    expect(
      readFresh()
        .appraisals.map(({ key }) => key)
        .sort(),
    ).toEqual(["anonymous", "dealer", "dealer"]);
  });
});
