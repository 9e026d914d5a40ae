/** `scripts/check-migrations.ts` in a copy of the schemas and migrations. */
import { spawnSync } from "node:child_process";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";

const SCHEMA = "src/db/request-log/schema.ts";
const MIGRATION = "migrations/log/0000_log.sql";
const folder = createScratchFolder();

beforeAll(() => {
  for (const name of ["src", "migrations", "scripts", "package.json"])
    cpSync(join(REPOSITORY_ROOT, name), join(folder.path, name), { recursive: true });
  symlinkSync(join(REPOSITORY_ROOT, "node_modules"), join(folder.path, "node_modules"));
});
afterAll(() => folder.remove());

function checkMigrations(): { code: number | null; errors: string } {
  const script = join(folder.path, "scripts/check-migrations.ts");
  const { status, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8" });
  return { code: status, errors: stderr };
}

/** Runs the check with one file changed, and restores the file. */
function checkWithChange(file: string, change: (text: string) => string): ReturnType<typeof checkMigrations> {
  const path = join(folder.path, file);
  const text = readFileSync(path, "utf8");
  const changed = change(text);
  expect(changed).not.toBe(text);
  writeFileSync(path, changed);
  const result = checkMigrations();
  writeFileSync(path, text);
  return result;
}

test("accepts schemas whose changes are all in migrations", () => {
  expect(checkMigrations()).toEqual({ code: 0, errors: "" });
});

test("rejects a column that no migration adds", () => {
  const { code, errors } = checkWithChange(SCHEMA, (text) =>
    text.replace("colo: text(),", 'colo: text(),\n    tlsVersion: text("tls_version"),'),
  );
  expect(code).toBe(1);
  expect(errors).toContain(`${SCHEMA} has changes that no migration contains`);
});

test("rejects a migration that drops a table", () => {
  const { code, errors } = checkWithChange(MIGRATION, (text) => `${text}\nDROP TABLE requests;\n`);
  expect(code).toBe(1);
  expect(errors).toContain(`${MIGRATION} drops a table`);
});
