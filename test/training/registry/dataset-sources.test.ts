import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, it } from "vitest";
import { toInsertStatements } from "../../../cloudflare/d1-sql.ts";
import { LIST_SOURCES, withSources } from "../../../src/db/dataset-sources/schema.ts";
import { type DatasetSource, datasetSources, datasets } from "../../../src/db/registry/schema.ts";

const MIGRATIONS = join(import.meta.dirname, "../../../migrations/registry");
const AT = "2026-11-25T10:00:00.000Z";
/** D1 refuses longer statements. */
const MAX_STATEMENT_BYTES = 100_000;

let database: DatabaseSync;

beforeEach(() => {
  database = new DatabaseSync(":memory:");
  const files = readdirSync(MIGRATIONS).filter((name) => name.endsWith(".sql"));
  for (const name of files.toSorted()) database.exec(readFileSync(join(MIGRATIONS, name), "utf8"));
});

const createSources = (count: number, prefix: string): DatasetSource[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `${prefix} ${i} it's.csv`,
    rows: i + 1,
    rejected: { "unknown cut": 2 },
    readAt: AT,
  }));

interface TestDataset {
  readonly seq: number;
  readonly base?: number;
  readonly rows?: readonly DatasetSource[];
  readonly list?: DatasetSource[];
}

/** Adds a dataset. `rows` are rows of the table of sources, `list` is the JSON that older versions wrote. */
function addDataset({ seq, base, rows = [], list = [] }: TestDataset): string[] {
  const row = { id: `d${seq}`, rows: 1, key: "", sha256: "", createdAt: AT };
  const statements = [
    ...toInsertStatements(datasets, [{ ...row, seq, base: base ?? null, sources: list }]),
    ...toInsertStatements(
      datasetSources,
      rows.map((source, position) => ({ ...source, dataset: seq, position })),
    ),
  ];
  database.exec(statements.join("\n"));
  return statements;
}

const listNames = (seq: number) =>
  database
    .prepare(`${withSources(String(seq))} SELECT name FROM sources ORDER BY age DESC`)
    .all()
    .map(({ name }) => name);

const getNames = (sources: readonly DatasetSource[]) => sources.map(({ name }) => name);

describe("the sources of a dataset", () => {
  it("are its rows after those of the datasets that it extends", () => {
    const [first, second, third] = ["a", "b", "c"].map((prefix) => createSources(3, prefix)) as [
      DatasetSource[],
      DatasetSource[],
      DatasetSource[],
    ];
    addDataset({ seq: 1, rows: first });
    addDataset({ seq: 2, rows: second });
    addDataset({ seq: 3, base: 1, rows: third });
    addDataset({ seq: 4, base: 3 });
    expect(listNames(4)).toEqual(getNames([...first, ...third]));
    expect(listNames(2)).toEqual(getNames(second));
    expect(listNames(5)).toEqual([]);
  });

  it("are the list of a dataset that is older than the table, which has all of them", () => {
    const [old, added] = [createSources(4, "old"), createSources(2, "new")];
    addDataset({ seq: 1, rows: createSources(1, "not used") });
    addDataset({ seq: 2, base: 1, list: old, rows: old });
    addDataset({ seq: 3, base: 2, rows: added });
    expect(listNames(2)).toEqual(getNames(old));
    expect(listNames(3)).toEqual(getNames([...old, ...added]));
  });

  it("are found along a chain of 1,000 datasets", () => {
    for (let seq = 1; seq <= 1000; seq++)
      addDataset({ seq, ...(seq > 1 && { base: seq - 1 }), rows: createSources(1, `week ${seq}`) });
    expect(listNames(1000)).toEqual(Array.from({ length: 1000 }, (_, i) => `week ${i + 1} 0 it's.csv`));
  });

  it("are written with statements that D1 takes, whatever their number", () => {
    const statements = addDataset({ seq: 1, rows: createSources(5000, "x".repeat(200)) });
    expect(statements.length).toBeGreaterThan(1);
    for (const statement of statements)
      expect(Buffer.byteLength(statement)).toBeLessThan(MAX_STATEMENT_BYTES);
    expect(listNames(1)).toHaveLength(5000);
  });
});

describe("the list of the API", () => {
  const list = (limit: number) => {
    // Only the columns that the query reads.
    database.exec("DROP TABLE models; CREATE TABLE models (name, version, dataset)");
    database.exec("INSERT INTO models VALUES ('trees', 3, 2)");
    return database
      .prepare(LIST_SOURCES)
      .all("trees", 3, limit)
      .map((row) => ({ ...row }));
  };

  it("adds up what is older than the newest sources", () => {
    const [first, second] = [createSources(30, "a"), createSources(20, "b")];
    addDataset({ seq: 1, rows: first });
    addDataset({ seq: 2, base: 1, rows: second });
    const all = list(50);
    expect(all.map(({ name }) => name)).toEqual(getNames([...first, ...second]));
    const some = list(15);
    expect(some.slice(1)).toEqual(all.slice(-15));
    const hidden = [...first, ...second].slice(0, 35);
    expect(some[0]).toMatchObject({
      name: "35 earlier sources",
      rows: hidden.reduce((sum, { rows }) => sum + rows, 0),
      rejected: JSON.stringify({ "unknown cut": 70 }),
      readAt: AT,
    });
  });
});
