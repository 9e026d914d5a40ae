/** The ids of erased requests. `insertRequests` does not write their records any more. */

export async function recordErasedIds(d1: D1Database, ids: readonly string[], at: number): Promise<void> {
  await d1
    .prepare(
      `INSERT INTO forgotten (id, at) SELECT value, ?2 FROM json_each(?1) WHERE true
       ON CONFLICT (id) DO UPDATE SET at = excluded.at`,
    )
    .bind(JSON.stringify(ids), at)
    .run();
}

/** Whether a request is erased, or its erasure has begun. */
export async function isErased(d1: D1Database, id: string): Promise<boolean> {
  return (await d1.prepare("SELECT 1 FROM forgotten WHERE id = ?1").bind(id).first()) !== null;
}

/** The ids of requests that were erased before a time, at most `limit` of them. */
export async function listErasedIdsBefore(d1: D1Database, before: number, limit: number): Promise<string[]> {
  const { results } = await d1
    .prepare("SELECT id FROM forgotten WHERE at < ?1 LIMIT ?2")
    .bind(before, limit)
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

export async function deleteErasedIds(d1: D1Database, ids: readonly string[]): Promise<void> {
  await d1
    .prepare("DELETE FROM forgotten WHERE id IN (SELECT value FROM json_each(?1))")
    .bind(JSON.stringify(ids))
    .run();
}
