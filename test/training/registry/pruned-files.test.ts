import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { beforeEach, describe, expect, it } from "vitest";
import {
  buildFilesGuard,
  buildListStatements,
  PRUNE_REVISION_QUERY,
} from "../../../training/registry/pruned-files.ts";

const MIGRATIONS = join(import.meta.dirname, "../../../migrations/registry");

let database: DatabaseSync;

beforeEach(() => {
  database = new DatabaseSync(":memory:");
  const files = readdirSync(MIGRATIONS).filter((name) => name.endsWith(".sql"));
  for (const name of files.toSorted()) database.exec(readFileSync(join(MIGRATIONS, name), "utf8"));
});

const readRevision = () => Number(database.prepare(PRUNE_REVISION_QUERY).get()?.revision);
const listFiles = (...keys: string[]) => {
  for (const statement of buildListStatements(keys)) database.exec(statement);
};
/** What deleting the listed files does to the table. */
const markDeleted = () =>
  database.exec(
    "UPDATE pruned_files SET is_deleted = 1, revision = (SELECT max(revision) + 1 FROM pruned_files) WHERE is_deleted = 0",
  );
const publishAfter = (revision: number, ...keys: string[]) => {
  for (const statement of buildFilesGuard(keys, revision)) database.exec(statement);
};
const CONFLICT = /UNIQUE constraint failed: pruned_files\.key/;

describe("a publication", () => {
  it("passes if no file was pruned, or other files", () => {
    publishAfter(readRevision(), "models/a.onnx");
    const revision = readRevision();
    listFiles("models/b.onnx");
    publishAfter(revision, "models/a.onnx");
  });

  it("fails while one of its files is being deleted, whenever the run has read the registry", () => {
    const before = readRevision();
    listFiles("models/a.onnx");
    for (const revision of [before, readRevision()])
      expect(() => publishAfter(revision, "models/x.onnx", "models/a.onnx")).toThrow(CONFLICT);
  });

  it("fails if one of its files was deleted after the run had read the registry", () => {
    const before = readRevision();
    listFiles("models/a.onnx");
    const during = readRevision();
    markDeleted();
    for (const revision of [before, during])
      expect(() => publishAfter(revision, "models/a.onnx")).toThrow(CONFLICT);
    publishAfter(readRevision(), "models/a.onnx");
  });

  it("fails if the same file is deleted a second time", () => {
    listFiles("models/a.onnx");
    markDeleted();
    const between = readRevision();
    listFiles("models/a.onnx");
    markDeleted();
    expect(() => publishAfter(between, "models/a.onnx")).toThrow(CONFLICT);
  });

  it("checks all of its files, however many there are", () => {
    const keys = Array.from({ length: 3000 }, (_, i) => `models/${"a".repeat(64)}-${i}.onnx`);
    const statements = buildFilesGuard(keys, 0);
    expect(statements.length).toBeGreaterThan(1);
    for (const statement of statements) expect(statement.length).toBeLessThan(100_000);
    listFiles(keys.at(-1)!);
    expect(() => publishAfter(readRevision(), ...keys)).toThrow(CONFLICT);
  });
});

describe("buildListStatements", () => {
  it("leaves out a file that a version names", () => {
    // The columns that are not asked for here have any value.
    const columns = database
      .prepare("SELECT name FROM pragma_table_info('models') WHERE \"notnull\" = 1")
      .all()
      .map(({ name }) => String(name));
    const values: Record<string, string> = { key: "'models/used.onnx'" };
    database.exec("PRAGMA foreign_keys = OFF");
    database.exec(
      `INSERT INTO models (${columns.join(", ")}, report) VALUES (${columns.map((name) => values[name] ?? "1").join(", ")}, 'reports/used.html')`,
    );
    listFiles("models/used.onnx", "reports/used.html", "models/unused.onnx", "models/unused.onnx");
    expect(database.prepare("SELECT key, is_deleted FROM pruned_files").all()).toMatchObject([
      { key: "models/unused.onnx", is_deleted: 0 },
    ]);
  });
});
