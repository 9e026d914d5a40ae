import { isDeepStrictEqual } from "node:util";
import { formatVersion } from "../../src/domain/models/model-reference.ts";
import type { ModelBuilder } from "../builders/model-builder.ts";
import type { Dataset } from "../data/dataset.ts";
import { findChampion, type PublishedModel, type Registry } from "../registry/read-registry.ts";

/** The settings of a run that its models depend on, in addition to the dataset and their own settings. */
interface RunSettings {
  readonly seed: number;
  readonly facetVersion: string;
}

/**
 * Finds a published version with the same dataset, seed, settings and release for each builder. The run would
 * only train these versions again.
 * @returns the versions; null if one of them is missing, or if there is no champion
 */
export function findUpToDateVersions(
  registry: Registry,
  dataset: Dataset,
  builders: readonly ModelBuilder[],
  run: RunSettings,
): string[] | null {
  const seq = registry.datasets.find(({ id }) => id === dataset.id)?.seq;
  if (seq === undefined || findChampion(registry) === null) return null;
  const modelsOfDataset = registry.models.filter((model) => model.dataset === seq);
  const versions: string[] = [];
  for (const builder of builders) {
    const model = modelsOfDataset.find((published) => isBuiltBy(published, builder, run));
    if (model === undefined) return null;
    versions.push(formatVersion(model));
  }
  return versions;
}

function isBuiltBy(
  { name, seed, facetVersion, hasBackground, hyperparameters }: PublishedModel,
  builder: ModelBuilder,
  run: RunSettings,
): boolean {
  if (name !== builder.name || seed !== run.seed || facetVersion !== run.facetVersion) return false;
  if (!hasBackground) return false;
  // The record also holds parameters that the fit chose. They are not compared.
  return Object.entries(builder.settings).every(([key, value]) =>
    isDeepStrictEqual(hyperparameters[key], value),
  );
}
