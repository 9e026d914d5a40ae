import { isRefusal, messages } from "../db/failure.ts";
import { insertRequests, type RequestRecord } from "../db/requests.ts";
import { retried } from "../db/retry.ts";
import { within } from "../inference/flight.ts";

export const DEAD_LETTERS = "log-dead-letters/";
/** Letters that the database refuses for what is in them: kept for people to look at. */
export const REJECTED = "log-rejected/";

/** Letters of one statement, and statements of one run: a run has a limited number of calls to the bucket. */
const BATCH = 50;
const MOST_BATCHES = 10;
/** To keep a letter: behind it there is the console alone. With the pauses that is 7 s at most. */
const KEEPING = { attempts: 3, pause: 200, helps: () => true };
const PUT_MS = 2_000;

/** Keeps a record that the database did not take, under its id: twice the same is once. */
export async function keepDeadLetter(bucket: R2Bucket, record: RequestRecord): Promise<void> {
  const key = `${DEAD_LETTERS}${record.id}.json`;
  await retried(() => within(PUT_MS, put(bucket, key, JSON.stringify(record))), KEEPING);
}

/**
 * Brings dead letters into the database, oldest first; returns how many. A letter is deleted when its row
 * is committed: stopped anywhere, the next run goes on, and no row is there twice.
 * @throws what the database threw where it still fails.
 */
export async function drainDeadLetters({ LOG_DB, MODELS }: Pick<Env, "LOG_DB" | "MODELS">): Promise<number> {
  let drained = 0;
  for (let batch = 0; batch < MOST_BATCHES; batch++) {
    const { objects, truncated } = await MODELS.list({ prefix: DEAD_LETTERS, limit: BATCH });
    const letters = await Promise.all(
      objects.map(async ({ key }) => ({ key, text: await read(MODELS, key) })),
    );
    drained += await insertAll(LOG_DB, MODELS, letters);
    if (!truncated) break;
  }
  return drained;
}

interface Letter {
  readonly key: string;
  readonly text: string;
}

async function insertAll(db: D1Database, bucket: R2Bucket, letters: readonly Letter[]): Promise<number> {
  if (letters.length === 0) return 0;
  try {
    await insertRequests(
      db,
      letters.map(({ text }) => JSON.parse(text)),
    );
    await bucket.delete(letters.map(({ key }) => key));
    return letters.length;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const [letter, ...others] = letters;
    if (letter !== undefined && others.length === 0) return reject(bucket, letter, error);
    let drained = 0;
    for (const one of letters) drained += await insertAll(db, bucket, [one]);
    return drained;
  }
}

/** Puts a letter aside, so that it does not stand in the way of the others for ever. */
async function reject(bucket: R2Bucket, letter: Letter, error: unknown): Promise<number> {
  const key = letter.key.replace(DEAD_LETTERS, REJECTED);
  await put(bucket, key, letter.text);
  await bucket.delete(letter.key);
  console.error(JSON.stringify({ message: "a dead letter was rejected", key, error: messages(error) }));
  return 0;
}

async function read(bucket: R2Bucket, key: string): Promise<string> {
  return (await (await bucket.get(key))?.text()) ?? "";
}

async function put(bucket: R2Bucket, key: string, json: string): Promise<void> {
  await bucket.put(key, json, { httpMetadata: { contentType: "application/json" } });
}
