import { messages } from "../db/failure.ts";
import { findByName, findVersion, type Pointer, type ServedModel, type Target } from "../db/models.ts";
import { elapsed } from "../domain/clock.ts";
import { CHAMPION, formatVersion, parseSelector } from "../domain/selector.ts";
import { isInShare } from "../domain/share.ts";
import type { AppContext } from "../http/context.ts";
import { NotFound, NotReady, Unavailable } from "../http/problem.ts";
import { requestKey } from "../http/request-key.ts";
import { Flights, within } from "./flight.ts";

/** How long the isolate trusts what it knows; also the longest that a moved alias takes to arrive. */
const FRESH_MS = 5_000;
/** How long it does so again where the registry does not answer, before it asks once more. */
const STALE_MS = 1_000;
/** How long it waits for the registry: shorter where it knows an answer that will do. */
const PATIENCE_MS = { known: 1_000, unknown: 10_000 };
const MOST_POINTERS = 100;

interface Known {
  readonly pointer: Pointer;
  /** When the registry was last asked, and for how long that will do. */
  askedAt: number;
  freshMs: number;
}

const pointers = new Map<string, Known>();

const flights = new Flights<{ readonly pointer: Pointer | null; readonly readAt: number }>();

/**
 * Where a selector leads. What was found is kept for some seconds, and for as long as the registry cannot
 * be reached.
 * @throws NotFound naming the model, NotReady where there is no champion yet.
 */
export async function findPointer(c: AppContext, selector: string): Promise<Pointer> {
  const known = pointers.get(selector);
  if (known !== undefined && elapsed(known.askedAt) < known.freshMs) return known.pointer;
  try {
    const search = flights.share(selector, c.executionCtx, async () => {
      const readAt = Date.now();
      return { pointer: await find(c.env.DB, selector), readAt };
    });
    const { pointer, readAt } = await within(known ? PATIENCE_MS.known : PATIENCE_MS.unknown, search);
    pointers.delete(selector);
    if (pointer === null) throw unknown(selector);
    keep(selector, { pointer, readAt });
    return pointer;
  } catch (error) {
    if (known === undefined || error instanceof NotFound || error instanceof NotReady) throw error;
    known.askedAt = Date.now();
    known.freshMs = STALE_MS;
    c.var.exchange.problems.push(`the registry did not answer: ${messages(error)}`);
    return known.pointer;
  }
}

/** Makes this isolate ask the registry anew, which somebody has just changed through it. */
export function refreshPointers(): void {
  for (const known of pointers.values()) known.freshMs = 0;
}

function find(db: D1Database, text: string): Promise<Pointer | null> {
  const selector = parseSelector(text);
  return selector.kind === "version"
    ? findVersion(db, selector.name, selector.version)
    : findByName(db, selector.name);
}

function keep(selector: string, { pointer, readAt }: { pointer: Pointer; readAt: number }): void {
  pointers.set(selector, { pointer, askedAt: readAt, freshMs: FRESH_MS });
  const [oldest] = pointers.keys();
  if (pointers.size > MOST_POINTERS && oldest !== undefined) pointers.delete(oldest);
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
