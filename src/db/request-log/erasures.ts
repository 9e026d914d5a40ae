/** Erasures that are not complete. The outcomes of a request that are still stored are their progress. */

/** Begins an erasure. Returns false if it has begun before. */
export async function startErasure(d1: D1Database, id: string, now: number): Promise<boolean> {
  const { meta } = await d1
    .prepare("INSERT INTO erasures (id, at) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
    .bind(id, now)
    .run();
  return meta.changes > 0;
}

/** The ids whose erasure is not complete, the one that has waited longest first. */
export async function listErasures(d1: D1Database, limit: number): Promise<string[]> {
  const { results } = await d1
    .prepare("SELECT id FROM erasures ORDER BY at, id LIMIT ?1")
    .bind(limit)
    .all<{ id: string }>();
  return results.map(({ id }) => id);
}

/** Puts an erasure behind the others, so that one that fails again and again does not block them. */
export async function postponeErasure(d1: D1Database, id: string, now: number): Promise<void> {
  await d1.prepare("UPDATE erasures SET at = ?2 WHERE id = ?1").bind(id, now).run();
}

/**
 * Ends an erasure, unless outcomes of the request are stored. Returns how many are: one that was being reported
 * when the erasure began can arrive late.
 */
export async function endErasure(d1: D1Database, id: string): Promise<number> {
  const [, counted] = await d1.batch<{ count: number }>([
    d1
      .prepare(
        "DELETE FROM erasures WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM outcomes WHERE prediction = ?1)",
      )
      .bind(id),
    d1.prepare("SELECT count(*) AS count FROM outcomes WHERE prediction = ?1").bind(id),
  ]);
  return counted?.results[0]?.count ?? 0;
}
