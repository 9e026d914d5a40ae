import { messages } from "../db/errors.ts";
import {
  findByName,
  findVersion,
  type Pointer,
  type ServedModel,
  type Target,
} from "../db/registry/models.ts";
import { CHAMPION, formatVersion, parseSelector } from "../domain/model-selector.ts";
import type { AppContext } from "../http/context.ts";
import { NotFound, NotReady, Unavailable } from "../http/errors.ts";
import { requestKey } from "../http/routing-key.ts";
import { isInShare } from "../lib/percentage.ts";
import { Remembered } from "../lib/stale-cache.ts";

/** `freshMs` is also the longest that a moved alias takes to arrive. */
const pointers = new Remembered<Pointer>({ freshMs: 5_000, most: 100 });

/**
 * Where a selector leads. What was found is kept for some seconds, and for as long as the registry cannot
 * be reached.
 * @throws NotFound naming the model, NotReady where there is no champion yet.
 */
export async function findPointer(c: AppContext, selector: string): Promise<Pointer> {
  const pointer = await pointers.get(
    selector,
    c.executionCtx,
    () => find(c.env.DB, selector),
    (error) => c.var.exchange.problems.push(`the registry did not answer: ${messages(error)}`),
  );
  if (pointer === null) throw unknown(selector);
  return pointer;
}

/** Makes this isolate ask the registry anew, which somebody has just changed through it. */
export function refreshPointers(): void {
  pointers.refresh();
}

function find(db: D1Database, text: string): Promise<Pointer | null> {
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
export function chooseCanary(c: AppContext, { canary }: Pointer): Target | null {
  if (canary === null) return null;
  return isInShare(`${formatVersion(canary.target)} ${requestKey(c)}`, canary.share) ? canary : null;
}

/**
 * The version that a selector leads to, without loading it: for what the registry alone can answer.
 * @throws NotFound, NotReady, Unavailable
 */
export async function findServed(c: AppContext, selector: string): Promise<ServedModel> {
  const pointer = await findPointer(c, selector);
  const model = chooseCanary(c, pointer)?.model ?? pointer.model;
  if (model === null)
    throw new Unavailable(`${formatVersion(pointer.target)} is not in the registry at the moment.`);
  c.var.exchange.model = { name: model.name, version: model.version };
  return model;
}
