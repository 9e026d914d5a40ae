import { describeError } from "../db/errors.ts";
import { registryAvailability } from "../db/registry/availability.ts";
import {
  type AliasTarget,
  findVersion,
  type ResolvedSelector,
  resolveName,
  type ServedModel,
} from "../db/registry/models.ts";
import { resolveInCopy } from "../db/registry-copy/resolve.ts";
import { openPrimary, readReplicaFirst } from "../db/sessions.ts";
import { formatVersion } from "../domain/models/model-reference.ts";
import { CHAMPION, parseSelector } from "../domain/models/model-selector.ts";
import type { AppContext, LookupContext } from "../http/context.ts";
import { NotFound, NotReady, ServiceUnavailable } from "../http/errors.ts";
import { getRegistryWaitMs } from "../http/registry.ts";
import { findInCopy } from "../http/registry-copy.ts";
import { findRoutingKey } from "../http/routing-key.ts";
import { isInPercentage } from "../lib/percentage.ts";
import { StaleCache } from "../lib/stale-cache.ts";

/** Every isolate follows a moved alias after at most `backgroundMs`, if the registry answers. */
const resolvedSelectors = new StaleCache<ResolvedSelector>({
  freshMs: 5_000,
  backgroundMs: 15_000,
  maxEntries: 100,
  availability: registryAvailability,
});

/**
 * Finds the model version that a selector names. The result is cached for a few seconds, and for as long as
 * the registry is unavailable. An isolate that has none then uses the copy of the registry in the bucket.
 * @throws NotFound, or NotReady when there is no champion yet.
 */
export async function resolveSelector(c: LookupContext, selector: string): Promise<ResolvedSelector> {
  const resolved = await resolvedSelectors.get(selector, {
    background: c.executionCtx,
    read: () => resolveInRegistry(c.env.DB, selector),
    maxWaitMs: getRegistryWaitMs(c),
    onReadFailure: (error) =>
      c.get("requestContext").diagnostics.push(`the registry did not answer: ${describeError(error)}`),
    findSubstitute: () => findInCopy(c, (copy) => resolveInCopy(copy, selector)),
  });
  if (resolved === null) throw createSelectorNotFound(selector);
  return resolved;
}

/** Makes this isolate read the aliases again, because a request has just changed one. */
export function refreshAliases(): void {
  resolvedSelectors.expireAll();
}

function resolveInRegistry(db: D1Database, text: string): Promise<ResolvedSelector | null> {
  const selector = parseSelector(text);
  return selector.kind === "version"
    ? readReplicaFirst(db, (session) => findVersion(session, selector.name, selector.version))
    : resolveName(openPrimary(db), selector.name);
}

function createSelectorNotFound(selector: string): NotFound | NotReady {
  if (selector === CHAMPION) return new NotReady();
  const kind = selector.includes("@") ? "version" : "model or alias";
  return new NotFound(`There is no ${kind} named ${selector}. GET /v1/models lists all models and aliases.`);
}

/** The canary if this request is in its percentage. The same caller always gets the same result. */
export function chooseCanary(c: AppContext, { canary }: ResolvedSelector): AliasTarget | null {
  if (canary === null) return null;
  return isInPercentage(`${formatVersion(canary.target)} ${findRoutingKey(c)}`, canary.share) ? canary : null;
}

/**
 * Resolves a selector to a version without loading it, for answers that need only the registry.
 * @throws NotFound, NotReady, ServiceUnavailable
 */
export async function resolveModel(c: AppContext, selector: string): Promise<ServedModel> {
  const resolved = await resolveSelector(c, selector);
  const model = chooseCanary(c, resolved)?.model ?? resolved.model;
  if (model === null)
    throw new ServiceUnavailable(
      `The model ${formatVersion(resolved.target)} is not in the registry at the moment.`,
    );
  return model;
}
