/** Notes that requests are forgotten: from now on their records are not written (src/db/requests.ts). */
export async function recordErasedIds(d1: D1Database, ids: readonly string[], at: number): Promise<void> {
  await d1
    .prepare(
      `INSERT INTO forgotten (id, at) SELECT value, ?2 FROM json_each(?1) WHERE true
       ON CONFLICT (id) DO UPDATE SET at = excluded.at`,
    )
    .bind(JSON.stringify(ids), at)
    .run();
}

/** Those that were forgotten before a time. */
export async function listErasedIdsBefore(d1: D1Database, before: number, most: number): Promise<string[]> {
  const { results } = await d1
    .prepare("SELECT id FROM forgotten WHERE at < ?1 LIMIT ?2")
    .bind(before, most)
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

export async function deleteErasedIds(d1: D1Database, ids: readonly string[]): Promise<void> {
  await d1
    .prepare("DELETE FROM forgotten WHERE id IN (SELECT value FROM json_each(?1))")
    .bind(JSON.stringify(ids))
    .run();
}
