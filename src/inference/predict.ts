import { describeError } from "../db/errors.ts";
import {
  type AliasTarget,
  listPreviousVersions,
  type ResolvedSelector,
  type ServedModel,
} from "../db/registry/models.ts";
import { GRADE_COLUMNS, NUMBER_COLUMNS, SAMPLE_STONE, type Stone } from "../domain/diamond.ts";
import { describeExcessMemory } from "../domain/models/model-memory.ts";
import { formatVersion, type ModelReference } from "../domain/models/model-reference.ts";
import { CHAMPION } from "../domain/models/model-selector.ts";
import type { StoneColumns } from "../domain/prediction/explanation.ts";
import type { Warning } from "../domain/prediction/warning.ts";
import type { AppContext } from "../http/context.ts";
import { Conflict, ServiceUnavailable } from "../http/errors.ts";
import { readReplica } from "../http/registry.ts";
import { isInPercentage } from "../lib/percentage.ts";
import type { Session } from "./onnx-runtime.ts";
import { chooseCanary, resolveSelector } from "./resolve-version.ts";
import { InvalidModelFileError, LoadRefusedError, ModelTooLargeError } from "./runtime-errors.ts";
import { isBusyError, OUTPUT_NAME, type SessionSource, withSession } from "./session-cache.ts";
import type { Usage } from "./session-store.ts";
import { LOAD_RETRY_AFTER_SECONDS, TOO_LARGE_RETRY_AFTER_SECONDS } from "./timeouts.ts";

/** How many previous versions of an alias are tried as a fallback. */
const MAX_FALLBACKS = 5;

/** The prices of some stones and the version that priced them. */
export interface PricedStones {
  readonly model: ServedModel;
  /** One price per stone, US dollars, not rounded; NaN for a stone that the model cannot price. */
  readonly prices: Float32Array;
  /** Warnings for the caller: if a previous version answered, and if the registry did not answer. */
  readonly warnings: readonly Warning[];
  /** The challenger that must price the same stones after the response; null for none. */
  readonly challenger: ServedModel | null;
}

/**
 * Prices stones with the version that a selector names, or with its canary if the caller is in its
 * percentage. If the version of an alias cannot be loaded, the previous version answers and a warning says
 * so.
 * @throws NotFound, NotReady, ServiceUnavailable
 */
export async function priceStones(
  c: AppContext,
  selector: string,
  stones: readonly Stone[],
): Promise<PricedStones> {
  const resolved = await resolveSelector(c, selector);
  return priceWithFallback(c, resolved, chooseCanary(c, resolved), stones);
}

/**
 * Prices stones with the champion and never with its canary: for checks of the champion.
 * @throws NotReady, ServiceUnavailable
 */
export async function priceWithChampion(c: AppContext, stones: readonly Stone[]): Promise<PricedStones> {
  return priceWithFallback(c, await resolveSelector(c, CHAMPION), null, stones);
}

async function priceWithFallback(
  c: AppContext,
  resolved: ResolvedSelector,
  canary: AliasTarget | null,
  stones: readonly Stone[],
): Promise<PricedStones> {
  const usage = resolved.alias === null ? "name" : "alias";
  let lastError: unknown;
  for await (const model of listVersionsToTry(c, resolved, canary, () => isBusyError(lastError))) {
    try {
      const prices = await runModel(c, model, stones, usage);
      return {
        model,
        prices,
        warnings: [
          ...createCopyWarnings(resolved, model),
          ...(model === canary?.model ? [] : createFallbackWarnings(resolved, model)),
        ],
        challenger: model === resolved.model ? chooseChallenger(c, resolved) : null,
      };
    } catch (error) {
      lastError = error;
      c.get("requestContext").diagnostics.push(
        `${formatVersion(model)} cannot be used: ${describeError(error)}`,
      );
    }
  }
  throw createUnavailable(resolved.target, lastError);
}

function createUnavailable(target: ModelReference, error: unknown): ServiceUnavailable {
  const version = formatVersion(target);
  if (isBusyError(error))
    return new ServiceUnavailable(
      `${version} cannot be used now, because other models are being loaded or used. Try again in a few seconds.`,
      error,
      error instanceof LoadRefusedError ? error.retryAfterSeconds : LOAD_RETRY_AFTER_SECONDS,
    );
  if (error instanceof ModelTooLargeError)
    return new ServiceUnavailable(
      `${error.message}. Use another version.`,
      error,
      TOO_LARGE_RETRY_AFTER_SECONDS,
    );
  return new ServiceUnavailable(
    `The model ${version} cannot be loaded at the moment. Try again in a few seconds.`,
  );
}

/** Prices stones with one version, which is loaded if it is not cached. */
export function runModel(
  c: AppContext,
  model: ServedModel,
  stones: readonly Stone[],
  usage: Usage,
): Promise<Float32Array> {
  return runModelOnColumns(c, model, toColumns(stones), usage);
}

/** Prices stones that are given by column. */
export function runModelOnColumns(
  c: AppContext,
  model: ServedModel,
  columns: StoneColumns,
  usage: Usage,
): Promise<Float32Array> {
  return withSession(createSource(c, model, usage), (session) => runSession(session, columns));
}

function createSource(c: AppContext, model: ServedModel, usage: Usage): SessionSource {
  return { bucket: c.env.MODELS, background: c.executionCtx, model, usage };
}

/** The challenger if this request is in its percentage. */
function chooseChallenger(c: AppContext, { target, challenger }: ResolvedSelector): ServedModel | null {
  if (challenger === null || formatVersion(challenger.model) === formatVersion(target)) return null;
  return isInPercentage(c.get("requestContext").id, challenger.share) ? challenger.model : null;
}

/**
 * Yields the versions to try in order: the canary, the version that the selector names, and the previous
 * versions of the alias. A generator, so that the previous versions are only read when they are needed. They are
 * not needed if there was no room to load the target: their loads would only take more of it.
 */
async function* listVersionsToTry(
  c: AppContext,
  { alias, target, model }: ResolvedSelector,
  canary: AliasTarget | null,
  wasBusy: () => boolean,
): AsyncGenerator<ServedModel> {
  for (const choice of canary === null ? [{ target, model }] : [canary, { target, model }]) {
    if (choice.model !== null) yield choice.model;
    else
      c.get("requestContext").diagnostics.push(
        `${alias} points at ${formatVersion(choice.target)}, which is not in the registry`,
      );
  }
  if (alias === null || wasBusy()) return;
  for (const previous of await readReplica(c, (db) => listPreviousVersions(db, alias, MAX_FALLBACKS))) {
    if (!isSameVersion(previous, target) && !wasBusy()) yield previous;
  }
}

function createFallbackWarnings({ alias, target }: ResolvedSelector, model: ServedModel): Warning[] {
  if (isSameVersion(model, target)) return [];
  const message = `The ${alias} ${formatVersion(target)} could not be loaded. The previous ${alias}, ${formatVersion(model)}, answered.`;
  return [{ code: "previous-version", message, fields: [] }];
}

function createCopyWarnings({ alias, isFromCopy }: ResolvedSelector, model: ServedModel): Warning[] {
  if (!isFromCopy) return [];
  const limit = alias === null ? "A newer version" : `A later move of ${alias}`;
  const message = `The registry does not answer, so its last copy is used. ${formatVersion(model)} answered. ${limit} may not be seen yet.`;
  return [{ code: "registry-unavailable", message, fields: [] }];
}

function isSameVersion(a: ModelReference, b: ModelReference): boolean {
  return a.name === b.name && a.version === b.version;
}

/** Converts stones to the inputs of a model. A missing measurement becomes NaN. */
function toColumns(stones: readonly Stone[]): StoneColumns {
  const columns: Record<string, Float32Array | string[]> = {};
  for (const name of NUMBER_COLUMNS) {
    const numbers = new Float32Array(stones.length);
    for (let i = 0; i < stones.length; i++) numbers[i] = stones[i]![name] ?? Number.NaN;
    columns[name] = numbers;
  }
  for (const name of GRADE_COLUMNS) columns[name] = stones.map((stone) => stone[name]);
  return columns;
}

async function runSession(session: Session, columns: StoneColumns): Promise<Float32Array> {
  const prices = await session.run(columns, OUTPUT_NAME);
  const stoneCount = columns.carat?.length;
  if (prices.length !== stoneCount)
    throw new InvalidModelFileError(`the model gave ${prices.length} prices for ${stoneCount} stones`);
  return prices;
}

/**
 * Loads a version and prices a stone with it, before an alias may point at it.
 * @throws Conflict when the version cannot be used, ServiceUnavailable when its file cannot be read or there is
 * no room for it.
 */
export async function verifyModel(c: AppContext, model: ServedModel): Promise<void> {
  const version = formatVersion(model);
  const excess = describeExcessMemory(version, model);
  if (excess !== null) {
    const advice = model.memoryBytes === null ? " npm run promote measures what it needs." : "";
    throw new Conflict(`${excess}. Nothing was changed.${advice}`);
  }
  try {
    const [price = Number.NaN] = await withSession(createSource(c, model, "alias"), (session) =>
      runSession(session, toColumns([SAMPLE_STONE])).catch((cause: unknown) => {
        throw isBusyError(cause) ? cause : new InvalidModelFileError(`${version} cannot be run`, { cause });
      }),
    );
    if (!(Number.isFinite(price) && price > 0))
      throw new InvalidModelFileError(`${version} gives a stone the price ${price}`);
  } catch (cause) {
    if (cause instanceof InvalidModelFileError)
      throw new Conflict(`The file of ${version} is missing or broken. Nothing was changed.`, { cause });
    if (cause instanceof ModelTooLargeError)
      throw new Conflict(`${cause.message}. Nothing was changed.`, { cause });
    if (isBusyError(cause)) throw createUnavailable(model, cause);
    throw new ServiceUnavailable(
      `The file of ${version} cannot be read at the moment. Try again in a few seconds.`,
      cause,
    );
  }
}
