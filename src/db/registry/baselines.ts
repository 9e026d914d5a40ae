import { sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import type { Histograms, Metrics, ModelReference } from "../../domain/model-record.ts";
import { models } from "./schema.ts";

/** What a model version's traffic is measured against: its training rows, and its error on test rows. */
export interface Baseline extends ModelReference {
  readonly histograms: Histograms | null;
  readonly metrics: Metrics;
}

/** Of those model versions that are registered. */
export async function listBaselines(
  d1: D1Database,
  versions: readonly ModelReference[],
): Promise<Baseline[]> {
  const asked = JSON.stringify(versions.map(({ name, version }) => [name, version]));
  return drizzle(d1)
    .select({
      name: models.name,
      version: models.version,
      histograms: models.histograms,
      metrics: models.metrics,
    })
    .from(models)
    .where(
      sql`(${models.name}, ${models.version}) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${asked}))`,
    );
}
