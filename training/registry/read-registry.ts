import { existsSync } from "node:fs";
import {
  DATABASE,
  query,
  type Rows,
  type Target,
  WranglerError,
  wrangler,
} from "../../cloudflare/wrangler.ts";
import type { DatasetSource } from "../../src/db/registry/schema.ts";
import type { ModelReference } from "../../src/domain/model-record.ts";
import { CHAMPION } from "../../src/domain/model-selector.ts";
import { type FreshStones, freshStatements, toFreshStones } from "./fresh-stones.ts";

/** What a run needs to know of a published model version. */
export interface PublishedModel extends ModelReference {
  readonly key: string;
  readonly sha256: string;
  /** R2 key of its report. */
  readonly report: string | null;
  /** `seq` of its dataset. */
  readonly dataset: number;
  readonly seed: number;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  readonly facetVersion: string;
  /** Test MAE when it was published, US dollars. */
  readonly mae: number;
  readonly createdAt: string;
}

export interface PublishedDataset {
  readonly seq: number;
  readonly id: string;
  readonly rows: number;
  readonly key: string;
  readonly sha256: string;
  readonly sources: readonly DatasetSource[];
}

export interface PublishedAlias extends ModelReference {
  readonly alias: string;
  readonly revision: number;
  readonly canaryName: string | null;
  readonly canaryVersion: number | null;
}

/** The registry as a run finds it. */
export interface Registry {
  /** In order of `seq`. */
  readonly datasets: readonly PublishedDataset[];
  /** As they were published, newest first: the clocks of those who train may differ. */
  readonly models: readonly PublishedModel[];
  readonly aliases: readonly PublishedAlias[];
  /** The last revision of every alias that ever was, also of those taken away. */
  readonly revisions: ReadonlyMap<string, number>;
}

const STATEMENTS = [
  "SELECT seq, id, rows, key, sha256, sources FROM datasets ORDER BY seq",
  `SELECT name, version, key, sha256, report, dataset, seed, hyperparameters, facet_version AS facetVersion,
     metrics ->> '$.mae' AS mae, created_at AS createdAt
   FROM models ORDER BY rowid DESC`,
  `SELECT alias, name, version, revision, canary_name AS canaryName, canary_version AS canaryVersion
   FROM aliases ORDER BY alias`,
  // `removed` is named so that a registry that lacks the column is brought up to date.
  "SELECT alias, max(revision) AS revision, max(removed) AS removed FROM alias_history GROUP BY alias",
];

/** Reads the registry; makes its tables first where there are none. */
export async function readRegistry(target: Target): Promise<Registry> {
  return toRegistry(await queryMigrated(target, STATEMENTS));
}

/** The registry and the stones that wait for the next training, with one query. */
export async function readForTraining(
  target: Target,
  quarantined: boolean,
): Promise<{ readonly registry: Registry; readonly fresh: FreshStones }> {
  const rows = await queryMigrated(target, [...STATEMENTS, ...freshStatements(quarantined)]);
  return { registry: toRegistry(rows), fresh: toFreshStones(rows.slice(STATEMENTS.length)) };
}

async function queryMigrated(target: Target, statements: readonly string[]): Promise<Rows[]> {
  const migrate = () => wrangler(target, ["d1", "migrations", "apply", DATABASE]);
  // Asking a folder that is not there yet what it holds would cost a second.
  if (target.kind === "local" && !existsSync(target.state)) await migrate();
  return query(target, statements).catch(async (error: unknown) => {
    if (!(error instanceof WranglerError) || !/no such (table|column)/.test(error.output)) throw error;
    await migrate();
    return query(target, statements);
  });
}

function toRegistry([datasets = [], models = [], aliases = [], revisions = []]: Rows[]): Registry {
  return {
    datasets: datasets.map(
      (row) => ({ ...row, sources: JSON.parse(String(row.sources)) }) as PublishedDataset,
    ),
    models: models.map(
      (row) => ({ ...row, hyperparameters: JSON.parse(String(row.hyperparameters)) }) as PublishedModel,
    ),
    aliases: aliases as unknown as PublishedAlias[],
    revisions: new Map(revisions.map((row) => [String(row.alias), Number(row.revision)])),
  };
}

/** Where the champion alias points; null before the first promotion. */
export function findChampion(registry: Registry): PublishedAlias | null {
  return registry.aliases.find(({ alias }) => alias === CHAMPION) ?? null;
}

/** The row of a version; undefined where there is none. */
export function findModel(registry: Registry, { name, version }: ModelReference): PublishedModel | undefined {
  return registry.models.find((model) => model.name === name && model.version === version);
}

/** The next version of a model: versions count up per name. */
export function nextVersion(registry: Registry, name: string): number {
  return (
    registry.models.reduce((last, model) => (model.name === name ? Math.max(last, model.version) : last), 0) +
    1
  );
}
