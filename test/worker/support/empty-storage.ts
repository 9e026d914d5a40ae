import { env } from "cloudflare:workers";

/**
 * Empties the databases and the bucket. `reset()` of the test plugin would abort background writes of this
 * test file and of those that run at the same time.
 */
export async function emptyStorage(): Promise<void> {
  for (const database of [env.DB, env.LOG_DB]) {
    const tables = await database
      .prepare(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_cf_%'",
      )
      .all<{ name: string }>();
    // Models reference their dataset, so datasets are deleted last.
    const names = tables.results.map(({ name }) => name).filter((name) => name !== "d1_migrations");
    names.sort((a, b) => Number(a === "datasets") - Number(b === "datasets"));
    await database.batch(names.map((name) => database.prepare(`DELETE FROM "${name}"`)));
  }
  for (;;) {
    const { objects } = await env.MODELS.list();
    if (objects.length === 0) return;
    await env.MODELS.delete(objects.map(({ key }) => key));
  }
}
