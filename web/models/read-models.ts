import { api, CallFailed, readAnswer, type Schemas } from "../api/client.ts";

export type Version = Schemas["ModelSummary"];
export type Champion = Schemas["AliasResponse"];

/** The versions of one model, newest first. */
export interface ModelVersions {
  readonly name: string;
  readonly versions: readonly Version[];
  /** Whether there are older versions, which were not read. */
  readonly hasMore: boolean;
}

export interface Models {
  readonly models: readonly ModelVersions[];
  /** The version of each alias, such as `gradient-boosting@3`. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Null if no version is in service. */
  readonly champion: Champion | null;
}

/** The most that one call answers. */
const MAX_PAGE = 100;

export const formatVersion = ({ name, version }: { name: string; version: number }): string =>
  `${name}@${version}`;

/** Finds a version by its name and number, such as `log-linear@1`. */
export function findVersion({ models }: Models, reference: string): Version | undefined {
  return models.flatMap(({ versions }) => versions).find((version) => formatVersion(version) === reference);
}

/** Whether a version was the champion before, so that promoting it again is a rollback. */
export function wasChampion({ champion }: Models, reference: string): boolean {
  return champion?.history.some((move) => formatVersion(move) === reference) ?? false;
}

/** Reads the newest versions of all models, and the history of the champion. */
export async function readModels(signal: AbortSignal): Promise<Models> {
  const [newest, champion] = await Promise.all([
    readAnswer(api.GET("/v1/models", { signal })),
    readChampion(signal),
  ]);
  const models = await Promise.all(newest.models.map(({ name }) => readVersions(name, signal)));
  const aliases = Object.entries(newest.aliases).map(([alias, version]) => [alias, formatVersion(version)]);
  return { models, aliases: Object.fromEntries(aliases), champion };
}

async function readVersions(name: string, signal: AbortSignal): Promise<ModelVersions> {
  const params = { path: { name }, query: { limit: MAX_PAGE } };
  const { versions, next } = await readAnswer(api.GET("/v1/models/{name}", { params, signal }));
  return { name, versions, hasMore: next !== null };
}

async function readChampion(signal: AbortSignal): Promise<Champion | null> {
  const params = { path: { alias: "champion" }, query: { limit: MAX_PAGE } };
  try {
    return await readAnswer(api.GET("/v1/aliases/{alias}", { params, signal }));
  } catch (error) {
    if (error instanceof CallFailed && error.status === 404) return null;
    throw error;
  }
}
