import { describeError, isRowRejected } from "../../db/errors.ts";
import { insertRequests, type RequestRecord } from "../../db/request-log/requests.ts";
import { CallBudget } from "../../lib/call-budget.ts";
import { withRetry } from "../../lib/retry.ts";
import { withTimeout } from "../../lib/single-flight.ts";
import { toBatches } from "./batches.ts";
import { isRecord } from "./is-record.ts";

export const DEAD_LETTER_PREFIX = "log-dead-letters/";
/** What the log has no place for because of what is in it: kept for people to look at. */
export const REJECTED_PREFIX = "log-rejected/";

/** To keep a letter: behind it there is the console alone. With the pauses that is 7 s at most. */
const KEEPING = { attempts: 3, pause: 200, helps: () => true };
const PUT_MS = 2_000;

/** A run ends within the minute after which the next one begins. */
const RUN = { calls: 900, ms: 45_000 };
/** Calls that are left for what is done with the letters once they are read. */
const SPARE = 50;
/** Letters that are in memory at once. */
const BATCH = { letters: 400, bytes: 16_000_000 };
/** Letters that are read at once. The platform makes six calls at a time, and lets the others wait. */
const READ_AT_ONCE = 50;

/** Keeps a record that the database did not take, under its id: twice the same is once. */
export async function saveDeadLetter(bucket: R2Bucket, record: RequestRecord): Promise<void> {
  const key = `${DEAD_LETTER_PREFIX}${record.id}.json`;
  await withRetry(() => withTimeout(PUT_MS, put(bucket, key, JSON.stringify(record))), KEEPING);
}

interface Run extends Pick<Env, "LOG_DB" | "MODELS"> {
  readonly allowance: CallBudget;
}

/**
 * Brings dead letters into the database, oldest first, as many as a run can; returns how many. A letter is
 * deleted when its row is committed: stopped anywhere, also for want of calls, the next run goes on, and no
 * row is there twice.
 * @throws what the database threw where it still fails.
 */
export async function drainDeadLetters({ LOG_DB, MODELS }: Pick<Env, "LOG_DB" | "MODELS">): Promise<number> {
  const run: Run = { LOG_DB, MODELS, allowance: new CallBudget(RUN) };
  const { allowance } = run;
  let drained = 0;
  while (allowance.remaining > SPARE) {
    const limit = Math.min(BATCH.letters, allowance.remaining - SPARE);
    const { objects, truncated } = await allowance.call(() =>
      MODELS.list({ prefix: DEAD_LETTER_PREFIX, limit }),
    );
    const batch = start(objects);
    drained += await drain(run, batch);
    if (!truncated && batch.length === objects.length) break;
  }
  return drained;
}

/** The first objects that memory holds together; at least one. */
function start(objects: readonly R2Object[]): readonly R2Object[] {
  let bytes = 0;
  const end = objects.findIndex(({ size }, i) => {
    bytes += size;
    return i > 0 && bytes > BATCH.bytes;
  });
  return end === -1 ? objects : objects.slice(0, end);
}

interface Letter {
  readonly key: string;
  readonly record: RequestRecord;
}

async function drain(run: Run, objects: readonly R2Object[]): Promise<number> {
  const letters: Letter[] = [];
  for (let i = 0; i < objects.length; i += READ_AT_ONCE) {
    const some = objects.slice(i, i + READ_AT_ONCE);
    const read = await Promise.all(some.map(({ key }) => readLetter(run, key)));
    letters.push(...read.filter((letter) => letter !== null));
  }
  let drained = 0;
  for (const part of toBatches(letters, ({ record }) => record)) drained += await insertAll(run, part);
  return drained;
}

/** Null where it is gone by now, drained by another run or forgotten, and where it is none. */
async function readLetter(run: Run, key: string): Promise<Letter | null> {
  if (run.allowance.remaining === 0) return null;
  const object = await run.allowance.call(() => run.MODELS.get(key));
  if (object === null) return null;
  const text = await object.text();
  const record = parse(text);
  if (isRecord(record)) return { key, record };
  await reject(run, key, text, "it is no record of a request");
  return null;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

async function insertAll(run: Run, letters: readonly Letter[]): Promise<number> {
  const { allowance, LOG_DB, MODELS } = run;
  if (allowance.remaining === 0) return 0;
  try {
    const records = letters.map(({ record }) => record);
    // Late records have their hours counted again, with a second statement.
    await allowance.call(() => insertRequests(LOG_DB, records), 2);
  } catch (error) {
    if (!isRowRejected(error)) throw error;
    const [letter, ...others] = letters;
    if (letter !== undefined && others.length === 0) {
      await reject(run, letter.key, JSON.stringify(letter.record), describeError(error));
      return 0;
    }
    // Some of them stand in the way of the others: halves find them with few statements.
    const half = Math.ceil(letters.length / 2);
    return (await insertAll(run, letters.slice(0, half))) + (await insertAll(run, letters.slice(half)));
  }
  await allowance.call(() => MODELS.delete(letters.map(({ key }) => key)));
  return letters.length;
}

/** Puts a letter aside, so that it does not stand in the way of the others for ever. */
async function reject({ MODELS, allowance }: Run, key: string, text: string, error: string): Promise<void> {
  if (allowance.remaining < 2) return;
  const aside = key.replace(DEAD_LETTER_PREFIX, REJECTED_PREFIX);
  await allowance.call(() => put(MODELS, aside, text));
  await allowance.call(() => MODELS.delete(key));
  console.error(JSON.stringify({ message: "a dead letter was rejected", key: aside, error }));
}

async function put(bucket: R2Bucket, key: string, json: string): Promise<void> {
  await bucket.put(key, json, { httpMetadata: { contentType: "application/json" } });
}
