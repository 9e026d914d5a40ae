import { existsSync } from "node:fs";
import { applyMigrations } from "../../cloudflare/d1.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import { DATABASE } from "../../cloudflare/worker-config.ts";
import { query, type Rows, type Target, WranglerError } from "../../cloudflare/wrangler.ts";
import { withSources } from "../../src/db/dataset-sources/schema.ts";
import { formatVersion, type ModelReference } from "../../src/domain/models/model-reference.ts";
import { CHAMPION, type Selector } from "../../src/domain/models/model-selector.ts";
import { type KnownSources, MAX_SHOWN_SOURCES } from "../data/dataset.ts";
import { FRESH_STONE_QUERIES, type FreshStones, parseFreshStones } from "./fresh-stones.ts";
import { PRUNE_REVISION_QUERY } from "./pruned-files.ts";

/** A published model version, as far as a training run needs it. */
export interface PublishedModel extends ModelReference {
  readonly key: string;
  readonly sha256: string;
  /** Size of the file. */
  readonly bytes: number;
  /** Null for a version that was published before its memory was measured. */
  readonly memoryBytes: number | null;
  readonly sessionBytes: number | null;
  /** R2 key of the model card; null if there is none. */
  readonly report: string | null;
  /** `seq` of the dataset. */
  readonly dataset: number;
  readonly seed: number;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  readonly facetVersion: string;
  /** 1 if the version has what ranges, warnings and explanations are computed from; 0 if it is older. */
  readonly hasBackground: 0 | 1;
  /** Test MAE at the time of publication, US dollars. */
  readonly mae: number;
  readonly createdAt: string;
}

export interface PublishedDataset {
  readonly seq: number;
  readonly id: string;
  readonly rows: number;
  readonly key: string;
  readonly sha256: string;
}

export interface PublishedAlias extends ModelReference {
  readonly alias: string;
  readonly revision: number;
  readonly canaryName: string | null;
  readonly canaryVersion: number | null;
}

/** A snapshot of the registry. */
export interface Registry {
  /** Sorted by `seq`. */
  readonly datasets: readonly PublishedDataset[];
  /** Newest first, in the order of publication and not by time: the clocks of machines may differ. */
  readonly models: readonly PublishedModel[];
  readonly aliases: readonly PublishedAlias[];
  /** The last revision of each alias, including removed ones. */
  readonly revisions: ReadonlyMap<string, number>;
  /** The last change of the files that pruning deletes. */
  readonly pruneRevision: number;
  /** `seq` of the dataset that later runs start from; null in an empty registry. */
  readonly knownDataset?: number | null;
}

/**
 * Reads the `seq` of the dataset that later runs start from: that of the newest version whose stones have no faults
 * or that is the champion. An operator may have promoted a version in spite of faults.
 */
const KNOWN_DATASET = `(SELECT dataset FROM models
  WHERE coalesce(json_array_length(decision -> '$.faults'), 0) = 0 OR EXISTS (
    SELECT 1 FROM aliases WHERE alias = '${CHAMPION}' AND aliases.name = models.name AND aliases.version = models.version)
  ORDER BY rowid DESC LIMIT 1)`;

const REGISTRY_QUERIES = [
  "SELECT seq, id, rows, key, sha256 FROM datasets ORDER BY seq",
  `SELECT name, version, key, sha256, bytes, memory_bytes AS memoryBytes, session_bytes AS sessionBytes,
     report, dataset, seed, hyperparameters, facet_version AS facetVersion, background IS NOT NULL AS hasBackground,
     metrics ->> '$.mae' AS mae, created_at AS createdAt
   FROM models ORDER BY rowid DESC`,
  `SELECT alias, name, version, revision, canary_name AS canaryName, canary_version AS canaryVersion
   FROM aliases ORDER BY alias`,
  // `removed` is not used here. A registry without this column fails at this query and is then migrated.
  "SELECT alias, max(revision) AS revision, max(removed) AS removed FROM alias_history GROUP BY alias",
  // Not used here either: without this table, changes would not be counted for the copy of the registry.
  "SELECT revision FROM registry_revision",
  PRUNE_REVISION_QUERY,
  `SELECT ${KNOWN_DATASET} AS seq`,
];

const KNOWN_SOURCES_QUERY = `${withSources(KNOWN_DATASET)}
SELECT name, rows, rejected, read_at AS readAt, count(*) OVER () AS total FROM sources ORDER BY age LIMIT ${MAX_SHOWN_SOURCES}`;

/** Reads the registry. Its tables are created or migrated first if necessary. */
export async function readRegistry(target: Target): Promise<Registry> {
  return parseRegistry(await queryWithMigrations(target, REGISTRY_QUERIES));
}

/** Reads the registry and the stones of the API with one call of wrangler. */
export async function readTrainingInputs(target: Target): Promise<{
  readonly registry: Registry;
  readonly fresh: FreshStones;
  readonly knownSources: KnownSources;
}> {
  const rows = await queryWithMigrations(target, [
    ...REGISTRY_QUERIES,
    KNOWN_SOURCES_QUERY,
    ...FRESH_STONE_QUERIES,
  ]);
  const [sources = [], ...freshRows] = rows.slice(REGISTRY_QUERIES.length);
  return {
    registry: parseRegistry(rows),
    fresh: parseFreshStones(freshRows),
    knownSources: parseKnownSources(sources),
  };
}

async function queryWithMigrations(target: Target, statements: readonly string[]): Promise<Rows[]> {
  // On Cloudflare, a deployment migrates the log.
  const migrate = () => applyMigrations(target, target.kind === "local" ? undefined : [DATABASE]);
  // A query of a local state that does not exist yet would fail after about a second.
  if (target.kind === "local" && !existsSync(target.state)) await migrate();
  return query(target, statements).catch(async (error: unknown) => {
    if (!(error instanceof WranglerError) || !/no such (table|column)/.test(error.output)) throw error;
    await migrate();
    return query(target, statements);
  });
}

function parseRegistry(rows: Rows[]): Registry {
  const [datasets = [], models = [], aliases = [], revisions = [], , [pruned] = [], [known] = []] = rows;
  return {
    datasets: datasets as unknown as PublishedDataset[],
    models: models.map(
      (row) => ({ ...row, hyperparameters: JSON.parse(String(row.hyperparameters)) }) as PublishedModel,
    ),
    aliases: aliases as unknown as PublishedAlias[],
    revisions: new Map(revisions.map((row) => [String(row.alias), Number(row.revision)])),
    pruneRevision: Number(pruned?.revision ?? 0),
    knownDataset: (known?.seq ?? null) as number | null,
  };
}

function parseKnownSources(rows: Rows): KnownSources {
  const sources = rows.map(({ name, rows, rejected, readAt }) => ({
    name: String(name),
    rows: Number(rows),
    rejected: JSON.parse(String(rejected)) as Record<string, number>,
    readAt: String(readAt),
  }));
  return { total: Number(rows[0]?.total ?? 0), newest: sources.reverse() };
}

/** Finds the champion alias; null before the first promotion. */
export function findChampion(registry: Registry): PublishedAlias | null {
  return registry.aliases.find(({ alias }) => alias === CHAMPION) ?? null;
}

export function findModel(registry: Registry, { name, version }: ModelReference): PublishedModel | undefined {
  return registry.models.find((model) => model.name === name && model.version === version);
}

/**
 * Finds the version that a selector stands for: that of an alias, the newest of a model, or a given one.
 * @throws UserError if there is none
 */
export function findSelectedModel(registry: Registry, selector: Selector): PublishedModel {
  const { models, aliases } = registry;
  if (selector.kind === "version") {
    const model = findModel(registry, selector);
    if (model === undefined) throw new UserError(`${formatVersion(selector)} is not in the registry`);
    return model;
  }
  const { name } = selector;
  const alias = aliases.find((existing) => existing.alias === name);
  const model =
    alias !== undefined
      ? findModel(registry, alias)
      : models.filter((one) => one.name === name).toSorted((a, b) => b.version - a.version)[0];
  if (model !== undefined) return model;
  if (alias !== undefined)
    throw new UserError(`${name} points at ${formatVersion(alias)}, which is not in the registry`);
  const names = [...new Set([...aliases.map((one) => one.alias), ...models.map((one) => one.name)])];
  const known = names.length === 0 ? "it has no models yet" : `it has ${names.toSorted().join(", ")}`;
  throw new UserError(`${name} is not in the registry: ${known}`);
}

/** Finds the next version number of a model. The versions of each name start at 1. */
export function findNextVersion(registry: Registry, name: string): number {
  const versions = registry.models.filter((model) => model.name === name).map(({ version }) => version);
  return Math.max(0, ...versions) + 1;
}
