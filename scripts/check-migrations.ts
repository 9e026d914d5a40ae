/**
 * Refuses migrations that D1 would turn into data loss, and schemas that no migration carries.
 * drizzle-kit rebuilds a table by dropping it with foreign keys switched off; D1 ignores the switch, so
 * that the drop cascades.
 */
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const SCHEMAS = [
  ["registry", "src/db/registry/schema.ts"],
  ["log", "src/db/request-log/schema.ts"],
] as const;
const faults: string[] = [];

for (const [database, schemaFile] of SCHEMAS) {
  const folder = join(root, "migrations", database);
  const files = readdirSync(folder).filter((file) => file.endsWith(".sql"));
  for (const file of files) {
    const sql = readFileSync(join(folder, file), "utf8");
    if (/\bDROP\s+TABLE\b/i.test(sql)) faults.push(`migrations/${database}/${file} drops a table`);
    if (/\bPRAGMA\s+foreign_keys\b/i.test(sql))
      faults.push(`migrations/${database}/${file} sets foreign_keys`);
  }

  // Generating into a copy adds a file exactly when the schema has moved on.
  const copy = mkdtempSync(join(tmpdir(), "facet-migrations-"));
  try {
    cpSync(folder, copy, { recursive: true });
    const config = join(copy, "drizzle.json");
    const schema = join(root, schemaFile);
    writeFileSync(config, JSON.stringify({ dialect: "sqlite", schema, out: copy }));
    execFileSync(
      process.execPath,
      [join(root, "node_modules/drizzle-kit/bin.cjs"), "generate", "--config", config],
      {
        cwd: root,
        stdio: "pipe",
      },
    );
    const generated = readdirSync(copy).filter((file) => file.endsWith(".sql"));
    if (generated.length !== files.length) {
      faults.push(`${schemaFile} has changes that no migration carries: npm run migrations`);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

for (const fault of faults) console.error(fault);
process.exitCode = faults.length > 0 ? 1 : 0;
