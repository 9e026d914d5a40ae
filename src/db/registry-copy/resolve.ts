import { formatVersion, type ModelReference, toModelReference } from "../../domain/models/model-reference.ts";
import { CHALLENGER, CHAMPION, parseSelector } from "../../domain/models/model-selector.ts";
import { type ResolvedSelector, type ServedModel, toResolvedVersion } from "../registry/models.ts";
import type { RegistryCopy } from "./schema.ts";

/**
 * Finds the model version that a selector names in a copy of the registry, as `resolveName` and `findVersion`
 * do in the registry. Null if the copy does not have it: the registry may.
 */
export function resolveInCopy(copy: RegistryCopy, text: string): ResolvedSelector | null {
  const selector = parseSelector(text);
  if (selector.kind === "version") {
    const model = findModel(copy, selector);
    return model && { ...toResolvedVersion(model), isFromCopy: true };
  }
  const { name } = selector;
  const found = copy.aliases.find(({ alias }) => alias === name);
  if (found === undefined) {
    // The copy has the newest version of each model.
    const newest = copy.models.filter((model) => model.name === name).at(-1);
    return newest === undefined ? null : { ...toResolvedVersion(newest), isFromCopy: true };
  }
  const target = { name: found.name, version: found.version };
  const canary = toModelReference(found.canaryName, found.canaryVersion);
  const challenger = name === CHAMPION ? copy.aliases.find(({ alias }) => alias === CHALLENGER) : undefined;
  const challengerModel = challenger && findModel(copy, challenger);
  return {
    alias: name,
    target,
    model: findModel(copy, target),
    canary: canary && { target: canary, model: findModel(copy, canary), share: found.share ?? 0 },
    challenger: challengerModel ? { model: challengerModel, share: challenger?.share ?? 0 } : null,
    isFromCopy: true,
  };
}

function findModel({ models }: RegistryCopy, reference: ModelReference): ServedModel | null {
  return models.find((model) => formatVersion(model) === formatVersion(reference)) ?? null;
}
