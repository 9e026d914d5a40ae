import { sql } from "drizzle-orm";
import type { Histograms, Metrics } from "../../domain/models/model-record.ts";
import type { ModelReference } from "../../domain/models/model-reference.ts";
import type { Calibration } from "../../domain/prediction/calibration.ts";
import { openDrizzle, type Queryable } from "../sessions.ts";
import { models } from "./schema.ts";

/** What the traffic of a model version is compared with. */
export interface Baseline extends ModelReference {
  /** Of the training stones. */
  readonly histograms: Histograms | null;
  /** Errors on the test stones. */
  readonly metrics: Metrics;
  readonly calibration: Calibration | null;
}

/** Returns the baselines of some model versions. Versions that are not registered are left out. */
export async function listBaselines(d1: Queryable, versions: readonly ModelReference[]): Promise<Baseline[]> {
  const pairs = JSON.stringify(versions.map(({ name, version }) => [name, version]));
  return openDrizzle(d1)
    .select({
      name: models.name,
      version: models.version,
      histograms: models.histograms,
      metrics: models.metrics,
      calibration: models.calibration,
    })
    .from(models)
    .where(
      sql`(${models.name}, ${models.version}) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${pairs}))`,
    );
}
