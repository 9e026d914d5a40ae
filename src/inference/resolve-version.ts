import { describeError } from "../db/errors.ts";
import {
  type AliasTarget,
  findByName,
  findVersion,
  type ResolvedSelector,
  type ServedModel,
} from "../db/registry/models.ts";
import { CHAMPION, formatVersion, parseSelector } from "../domain/model-selector.ts";
import type { AppContext } from "../http/context.ts";
import { NotFound, NotReady, ServiceUnavailable } from "../http/errors.ts";
import { findRoutingKey } from "../http/routing-key.ts";
import { isInPercentage } from "../lib/percentage.ts";
import { StaleCache } from "../lib/stale-cache.ts";

/** `freshMs` is also the longest that a moved alias takes to arrive. */
const resolvedSelectors = new StaleCache<ResolvedSelector>({ freshMs: 5_000, most: 100 });

/**
 * Where a selector leads. What was found is kept for some seconds, and for as long as the registry cannot
 * be reached.
 * @throws NotFound naming the model, NotReady where there is no champion yet.
 */
export async function resolveSelector(c: AppContext, selector: string): Promise<ResolvedSelector> {
  const pointer = await resolvedSelectors.get(
    selector,
    c.executionCtx,
    () => find(c.env.DB, selector),
    (error) => c.var.requestContext.problems.push(`the registry did not answer: ${describeError(error)}`),
  );
  if (pointer === null) throw unknown(selector);
  return pointer;
}

/** Makes this isolate ask the registry anew, which somebody has just changed through it. */
export function refreshAliases(): void {
  resolvedSelectors.refresh();
}

function find(db: D1Database, text: string): Promise<ResolvedSelector | null> {
  const selector = parseSelector(text);
  return selector.kind === "version"
    ? findVersion(db, selector.name, selector.version)
    : findByName(db, selector.name);
}

function unknown(selector: string): NotFound | NotReady {
  if (selector === CHAMPION) return new NotReady();
  const what = selector.includes("@") ? "version" : "model or alias";
  return new NotFound(`There is no ${what} named ${selector}. GET /v1/models lists what there is.`);
}

/** The canary of a pointer, where this request is of its share: always the same for the same caller. */
export function chooseCanary(c: AppContext, { canary }: ResolvedSelector): AliasTarget | null {
  if (canary === null) return null;
  return isInPercentage(`${formatVersion(canary.target)} ${findRoutingKey(c)}`, canary.share) ? canary : null;
}

/**
 * The version that a selector leads to, without loading it: for what the registry alone can answer.
 * @throws NotFound, NotReady, Unavailable
 */
export async function resolveModel(c: AppContext, selector: string): Promise<ServedModel> {
  const pointer = await resolveSelector(c, selector);
  const model = chooseCanary(c, pointer)?.model ?? pointer.model;
  if (model === null)
    throw new ServiceUnavailable(`${formatVersion(pointer.target)} is not in the registry at the moment.`);
  c.var.requestContext.model = { name: model.name, version: model.version };
  return model;
}
