/**
 * Takes a lease, so that one run at a time does a piece of work. Returns false if another run holds it. A run
 * that is stopped keeps its lease until `until`. Choose a time at which the run has certainly ended.
 */
export async function acquireLease(
  d1: D1Database,
  name: string,
  { holder, until, now }: { readonly holder: string; readonly until: number; readonly now: number },
): Promise<boolean> {
  const { meta } = await d1
    .prepare(
      `INSERT INTO leases (name, holder, until) VALUES (?1, ?2, ?3)
       ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE until <= ?4`,
    )
    .bind(name, holder, until, now)
    .run();
  return meta.changes > 0;
}

export async function releaseLease(d1: D1Database, name: string, holder: string): Promise<void> {
  await d1.prepare("DELETE FROM leases WHERE name = ?1 AND holder = ?2").bind(name, holder).run();
}
