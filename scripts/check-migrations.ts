/**
 * Fails if a migration would lose data in D1, or if a schema has changes that no migration contains.
 * drizzle-kit rebuilds a table by dropping it with foreign keys switched off. D1 ignores that switch, so
 * the drop also deletes the rows that reference the table.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const DATABASES = [
  { migrations: "migrations/registry", schema: "src/db/registry/schema.ts" },
  { migrations: "migrations/log", schema: "src/db/request-log/schema.ts" },
];

const problems = DATABASES.flatMap(({ migrations, schema }) => [
  ...findForbiddenStatements(migrations),
  ...(hasUnmigratedChanges(migrations, schema)
    ? [`${schema} has changes that no migration contains: run npm run migrations`]
    : []),
]);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

function findForbiddenStatements(migrations: string): string[] {
  return listSqlFiles(join(ROOT, migrations)).flatMap((file) => {
    const sql = readFileSync(join(ROOT, migrations, file), "utf8");
    const found: string[] = [];
    if (/\bDROP\s+TABLE\b/i.test(sql)) found.push(`${migrations}/${file} drops a table`);
    if (/\bPRAGMA\s+foreign_keys\b/i.test(sql)) found.push(`${migrations}/${file} sets foreign_keys`);
    return found;
  });
}

/** Lets drizzle-kit generate into a copy of the folder: it adds a file only if the schema has changed. */
function hasUnmigratedChanges(migrations: string, schema: string): boolean {
  const copy = mkdtempSync(join(tmpdir(), "facet-migrations-"));
  try {
    cpSync(join(ROOT, migrations), copy, { recursive: true });
    const count = listSqlFiles(copy).length;
    const config = join(copy, "drizzle.json");
    // drizzle-kit reads an absolute `out` as relative to the working directory.
    const out = relative(ROOT, copy);
    writeFileSync(config, JSON.stringify({ dialect: "sqlite", schema: join(ROOT, schema), out }));
    const drizzleKit = join(ROOT, "node_modules/drizzle-kit/bin.cjs");
    const output = execFileSync(process.execPath, [drizzleKit, "generate", "--config", config], {
      cwd: ROOT,
      encoding: "utf8",
      stdio: "pipe",
    });
    // It exits with 0 after some errors.
    if (!/No schema changes|Your SQL migration file/.test(output)) throw new Error(output);
    return listSqlFiles(copy).length !== count;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function listSqlFiles(folder: string): string[] {
  return readdirSync(folder).filter((file) => file.endsWith(".sql"));
}
