import { isDeepStrictEqual } from "node:util";
import { formatVersion } from "../../src/domain/model-selector.ts";
import type { ModelBuilder } from "../builders/model-builder.ts";
import type { Dataset } from "../data/dataset.ts";
import { findChampion, type Registry } from "../registry/read-registry.ts";

/**
 * The versions that this run would only repeat: every model has one of the same dataset, seed, settings
 * and release, and there is a champion. Null where something is new.
 */
export function findUpToDateVersions(
  registry: Registry,
  dataset: Dataset,
  candidates: readonly ModelBuilder[],
  run: { readonly seed: number; readonly facetVersion: string },
): string[] | null {
  const seq = registry.datasets.find(({ id }) => id === dataset.id)?.seq;
  if (seq === undefined || findChampion(registry) === null) return null;
  const versions: string[] = [];
  for (const { name, settings } of candidates) {
    const same = registry.models.find(
      (model) =>
        model.name === name &&
        model.dataset === seq &&
        model.seed === run.seed &&
        model.facetVersion === run.facetVersion &&
        // What the fit settled by itself stands beside the settings.
        Object.entries(settings).every(([key, value]) =>
          isDeepStrictEqual(model.hyperparameters[key], value),
        ),
    );
    if (same === undefined) return null;
    versions.push(formatVersion(same));
  }
  return versions;
}
