import { env } from "cloudflare:workers";

const { registry, log } = env.TEST_MIGRATIONS;
for (const [database, migrations] of [[env.DB, registry] as const, [env.LOG_DB, log] as const]) {
  // In one transaction, because each test file creates its databases, and a transaction for each migration takes
  // a second or more.
  const statements = migrations.flatMap(({ queries }) => queries);
  await database.batch(statements.map((sql) => database.prepare(sql)));
}
