import type { ServedModel } from "../db/models.ts";
import { elapsed } from "../domain/clock.ts";
import { GRADE_COLUMNS, NUMBER_COLUMNS } from "../domain/diamond.ts";
import { formatVersion } from "../domain/selector.ts";
import { sha256 } from "../domain/sha256.ts";
import type { Background } from "../http/context.ts";
import { Flights, within } from "./flight.ts";
import type { Session } from "./runtime.ts";
import { takeTurn } from "./turn.ts";

/** A few versions are in use at a time: the champion, one before it, a challenger. Each takes a few MB. */
const MOST_SESSIONS = 4;
/** A file that could not be used is not tried again for so long. */
const BROKEN_MS = 10_000;
const LOAD_MS = 15_000;

const INPUTS: ReadonlySet<string> = new Set([...NUMBER_COLUMNS, ...GRADE_COLUMNS]);
export const OUTPUT = "price";

/** A model's file is missing, is not the one that the registry names, or is not a model that prices stones. */
export class BrokenModel extends Error {}

interface Held {
  readonly session: Session;
  users: number;
}

/** Sessions by the file's SHA-256, least recently used first. */
const sessions = new Map<string, Held>();
const broken = new Map<string, { readonly error: unknown; readonly at: number }>();
const flights = new Flights<void>();

/**
 * Uses the session of a model version, loading it where the isolate does not have it.
 * @throws BrokenModel, or what R2 threw.
 */
export async function withSession<T>(
  bucket: R2Bucket,
  background: Background,
  model: ServedModel,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  let held = sessions.get(model.sha256);
  while (held === undefined) {
    await load(bucket, background, model);
    held = sessions.get(model.sha256);
  }
  sessions.delete(model.sha256);
  sessions.set(model.sha256, held);
  held.users++;
  try {
    return await takeTurn(() => use(held.session));
  } finally {
    held.users--;
    if (sessions.size > MOST_SESSIONS) background.waitUntil(evict());
  }
}

async function load(bucket: R2Bucket, background: Background, model: ServedModel): Promise<void> {
  const failure = broken.get(model.sha256);
  if (failure !== undefined && elapsed(failure.at) < BROKEN_MS) throw failure.error;
  broken.delete(model.sha256);
  const loading = flights.share(model.sha256, background, async () => {
    try {
      sessions.set(model.sha256, {
        session: await open(await fetchVerified(bucket, model), model),
        users: 0,
      });
    } catch (error) {
      broken.set(model.sha256, { error, at: Date.now() });
      throw error;
    }
  });
  return within(LOAD_MS, loading);
}

async function fetchVerified(bucket: R2Bucket, model: ServedModel): Promise<Uint8Array> {
  const object = await bucket.get(model.key);
  if (object === null) throw new BrokenModel(`${formatVersion(model)}: ${model.key} is not in the bucket`);
  const bytes = new Uint8Array(await object.arrayBuffer());
  const hash = await sha256(bytes);
  if (hash !== model.sha256)
    throw new BrokenModel(`${formatVersion(model)}: ${model.key} has SHA-256 ${hash}, not ${model.sha256}`);
  return bytes;
}

async function open(bytes: Uint8Array, model: ServedModel): Promise<Session> {
  // Imported when first needed: the module is large, and most of what the Worker answers needs no model.
  const { createSession } = await import("./runtime.ts");
  const session = await takeTurn(() => createSession(bytes)).catch((cause: unknown) => {
    throw new BrokenModel(`${formatVersion(model)}: not an ONNX model that can be run`, { cause });
  });
  const unknown = session.inputNames.filter((name) => !INPUTS.has(name));
  if (unknown.length === 0 && session.outputNames.includes(OUTPUT)) return session;
  await takeTurn(() => session.release());
  throw new BrokenModel(
    `${formatVersion(model)}: takes ${session.inputNames.join(", ")} and gives ${session.outputNames.join(", ")}`,
  );
}

/** Lets go of the sessions that were not used for longest and that nobody uses. */
async function evict(): Promise<void> {
  for (const [sha256, held] of sessions) {
    if (sessions.size <= MOST_SESSIONS) return;
    if (held.users > 0) continue;
    sessions.delete(sha256);
    await takeTurn(() => held.session.release());
  }
}
