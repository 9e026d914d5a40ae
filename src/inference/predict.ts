import { describeError } from "../db/errors.ts";
import {
  type AliasTarget,
  listPreviousVersions,
  type ResolvedSelector,
  type ServedModel,
} from "../db/registry/models.ts";
import { GRADE_COLUMNS, NUMBER_COLUMNS, type Stone } from "../domain/diamond.ts";
import { CHAMPION, formatVersion } from "../domain/model-selector.ts";
import type { AppContext } from "../http/context.ts";
import { Conflict, ServiceUnavailable } from "../http/errors.ts";
import { isInPercentage } from "../lib/percentage.ts";
import type { Column, Session } from "./onnx-runtime.ts";
import { chooseCanary, resolveSelector } from "./resolve-version.ts";
import { InvalidModelFileError, OUTPUT, withSession } from "./session-cache.ts";

/** How far back to go among the versions that an alias pointed at. */
const MOST_PREDECESSORS = 5;

/** Any stone will do where it is asked whether a model answers at all. */
export const SAMPLE_STONE: Stone = { carat: 1, cut: "Ideal", color: "G", clarity: "VS1" };

/** A model's answer: one price a stone in US dollars as the model gave it, and what the caller must know. */
export interface Pricing {
  readonly model: ServedModel;
  readonly prices: Float32Array;
  readonly warnings: readonly string[];
  /** The version that is to price the same stones in the shadow. */
  readonly challenger: ServedModel | null;
}

/**
 * Prices stones by the model that a selector names, or by its canary where the caller is of its share.
 * Where an alias leads to a version that cannot be loaded, the version that it pointed at before answers,
 * with a warning.
 * @throws NotFound, NotReady, Unavailable
 */
export async function priceStones(
  c: AppContext,
  selector: string,
  stones: readonly Stone[],
): Promise<Pricing> {
  const pointer = await resolveSelector(c, selector);
  const pricing = await price(c, pointer, chooseCanary(c, pointer), stones);
  c.var.requestContext.model = { name: pricing.model.name, version: pricing.model.version };
  return pricing;
}

/**
 * Prices stones by the champion itself, for those who ask about the champion rather than for a price.
 * @throws NotReady, Unavailable
 */
export async function priceByChampion(c: AppContext, stones: readonly Stone[]): Promise<Pricing> {
  return price(c, await resolveSelector(c, CHAMPION), null, stones);
}

async function price(
  c: AppContext,
  pointer: ResolvedSelector,
  canary: AliasTarget | null,
  stones: readonly Stone[],
): Promise<Pricing> {
  for await (const model of candidates(c, pointer, canary)) {
    try {
      const prices = await runModel(c, model, stones);
      return {
        model,
        prices,
        warnings: model === canary?.model ? [] : warnOfStandIn(pointer, model),
        challenger: model === pointer.model ? chooseChallenger(c, pointer) : null,
      };
    } catch (error) {
      c.var.requestContext.problems.push(`${formatVersion(model)} cannot be used: ${describeError(error)}`);
    }
  }
  throw new ServiceUnavailable(
    `The model ${formatVersion(pointer.target)} cannot be loaded at the moment. Try again in a few seconds.`,
  );
}

/** Prices stones by one version, loading it where the isolate does not have it. */
export function runModel(c: AppContext, model: ServedModel, stones: readonly Stone[]): Promise<Float32Array> {
  return withSession(c.env.MODELS, c.executionCtx, model, (session) => run(session, stones));
}

/** The challenger, where this request is of its share. */
function chooseChallenger(c: AppContext, { target, challenger }: ResolvedSelector): ServedModel | null {
  if (challenger === null || formatVersion(challenger.model) === formatVersion(target)) return null;
  return isInPercentage(c.var.requestContext.id, challenger.share) ? challenger.model : null;
}

/** The canary where it is its turn, then the model that is pointed at, then those that were before it. */
async function* candidates(
  c: AppContext,
  { alias, target, model }: ResolvedSelector,
  canary: AliasTarget | null,
): AsyncGenerator<ServedModel> {
  for (const one of canary === null ? [{ target, model }] : [canary, { target, model }]) {
    if (one.model !== null) yield one.model;
    else
      c.var.requestContext.problems.push(
        `${alias} points at ${formatVersion(one.target)}, which is not registered`,
      );
  }
  if (alias === null) return;
  for (const earlier of await listPreviousVersions(c.env.DB, alias, MOST_PREDECESSORS)) {
    if (earlier.name !== target.name || earlier.version !== target.version) yield earlier;
  }
}

function warnOfStandIn({ alias, target }: ResolvedSelector, model: ServedModel): string[] {
  if (model.name === target.name && model.version === target.version) return [];
  return [
    `The ${alias} ${formatVersion(target)} could not be loaded; ${formatVersion(model)}, the ${alias} before it, answered.`,
  ];
}

async function run(session: Session, stones: readonly Stone[]): Promise<Float32Array> {
  const columns: Record<string, Column> = {};
  for (const name of NUMBER_COLUMNS) columns[name] = Float32Array.from(stones, (s) => s[name] ?? Number.NaN);
  for (const name of GRADE_COLUMNS) columns[name] = stones.map((stone) => stone[name]);
  const feeds = Object.fromEntries(session.inputNames.map((name) => [name, columns[name] ?? []]));
  const prices = await session.run(feeds, OUTPUT);
  if (prices.length !== stones.length)
    throw new InvalidModelFileError(`gave ${prices.length} prices for ${stones.length} stones`);
  return prices;
}

/**
 * Loads a version and prices a stone with it, before anybody is made to rely on it.
 * @throws Conflict where it cannot be used, Unavailable where its file cannot be read at the moment.
 */
export async function checkUsable(c: AppContext, model: ServedModel): Promise<void> {
  const version = formatVersion(model);
  try {
    const [price = Number.NaN] = await withSession(c.env.MODELS, c.executionCtx, model, (session) =>
      run(session, [SAMPLE_STONE]).catch((cause: unknown) => {
        throw new InvalidModelFileError(`${version} does not run`, { cause });
      }),
    );
    if (!(Number.isFinite(price) && price > 0))
      throw new InvalidModelFileError(`${version} prices a stone at ${price}`);
  } catch (cause) {
    if (cause instanceof InvalidModelFileError)
      throw new Conflict(`The file of ${version} is missing or broken: nothing was changed.`, { cause });
    throw new ServiceUnavailable(
      `The file of ${version} cannot be read at the moment. Try again in a few seconds.`,
      cause,
    );
  }
}
