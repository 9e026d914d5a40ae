import { applyD1Migrations } from "cloudflare:test";
import { env } from "cloudflare:workers";

await applyD1Migrations(env.DB, env.TEST_MIGRATIONS.registry);
await applyD1Migrations(env.LOG_DB, env.TEST_MIGRATIONS.log);
