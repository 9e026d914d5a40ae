import { describeError, isRowRejected } from "../../db/errors.ts";
import { insertRequests, type RequestRecord } from "../../db/request-log/requests.ts";
import { CallBudget } from "../../lib/call-budget.ts";
import { DRAIN_BUDGET, DRAIN_RESERVED_CALLS } from "../../settings/call-budgets.ts";
import { QUARANTINE_PREFIX } from "../quarantine.ts";
import { DEAD_LETTER_PREFIX } from "./dead-letters.ts";
import { isRecord } from "./is-record.ts";
import { splitIntoBatches } from "./split-batches.ts";

/** How many dead-letter records are in memory at once. */
const MAX_IN_MEMORY = { objects: 400, bytes: 16_000_000 };
/**
 * How many objects are requested at once. The platform runs six requests in parallel and queues the others.
 */
const READ_CONCURRENCY = 50;

interface Run extends Pick<Env, "LOG_DB" | "MODELS"> {
  readonly budget: CallBudget;
}

/** A dead-letter record, its key in the bucket, and the size of its JSON. */
interface DeadLetter {
  readonly key: string;
  readonly jsonOctets: number;
  readonly record: RequestRecord;
}

/**
 * Writes dead-letter records to the database, oldest first, as many as the call budget allows. Returns how
 * many it wrote. An object is deleted after its row is committed. If a run is stopped, the next run
 * continues, and the insert ignores rows that exist.
 * @throws the database's error, if the database still fails.
 */
export async function drainDeadLetters(
  { LOG_DB, MODELS }: Pick<Env, "LOG_DB" | "MODELS">,
  budget = new CallBudget(DRAIN_BUDGET),
): Promise<number> {
  let drained = 0;
  while (budget.remaining > DRAIN_RESERVED_CALLS) {
    const limit = Math.min(MAX_IN_MEMORY.objects, budget.remaining - DRAIN_RESERVED_CALLS);
    const { objects, truncated } = await budget.call(() =>
      MODELS.list({ prefix: DEAD_LETTER_PREFIX, limit }),
    );
    const chosen = takeWhileSmall(objects);
    drained += await drainObjects({ LOG_DB, MODELS, budget }, chosen);
    if (!truncated && chosen.length === objects.length) break;
  }
  return drained;
}

/** Returns the first objects that fit into memory together, but at least one. */
function takeWhileSmall(objects: readonly R2Object[]): readonly R2Object[] {
  let bytes = 0;
  const end = objects.findIndex(({ size }, i) => {
    bytes += size;
    return i > 0 && bytes > MAX_IN_MEMORY.bytes;
  });
  return end === -1 ? objects : objects.slice(0, end);
}

async function drainObjects(run: Run, objects: readonly R2Object[]): Promise<number> {
  const deadLetters: DeadLetter[] = [];
  for (let i = 0; i < objects.length; i += READ_CONCURRENCY) {
    const group = objects.slice(i, i + READ_CONCURRENCY);
    const results = await Promise.all(group.map(({ key }) => readDeadLetter(run, key)));
    deadLetters.push(...results.filter((result) => result !== null));
  }
  let drained = 0;
  for (const batch of splitIntoBatches(deadLetters, ({ jsonOctets }) => jsonOctets))
    drained += await insertDeadLetters(run, batch);
  return drained;
}

/**
 * Reads a dead-letter record. Returns null if the object no longer exists (another run drained it, or it was
 * erased), if it is not a record, or if no call is left.
 */
async function readDeadLetter(run: Run, key: string): Promise<DeadLetter | null> {
  if (run.budget.remaining === 0) return null;
  const object = await run.budget.call(() => run.MODELS.get(key));
  if (object === null) return null;
  const text = await object.text();
  const record = parseJson(text);
  if (isRecord(record)) return { key, record, jsonOctets: object.size };
  await quarantine(run, key, text, "not a log record");
  return null;
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

async function insertDeadLetters(run: Run, deadLetters: readonly DeadLetter[]): Promise<number> {
  const { budget, LOG_DB, MODELS } = run;
  if (budget.remaining === 0) return 0;
  try {
    const records = deadLetters.map(({ record }) => record);
    // Late records take a second statement, which marks their hours dirty.
    await budget.call(() => insertRequests(LOG_DB, records), 2);
  } catch (error) {
    if (!isRowRejected(error)) throw error;
    const [first, ...others] = deadLetters;
    if (first !== undefined && others.length === 0) {
      await quarantine(run, first.key, JSON.stringify(first.record), describeError(error));
      return 0;
    }
    // Some rows are invalid. Halving the batch finds them with few statements.
    const half = Math.ceil(deadLetters.length / 2);
    return (
      (await insertDeadLetters(run, deadLetters.slice(0, half))) +
      (await insertDeadLetters(run, deadLetters.slice(half)))
    );
  }
  await budget.call(() => MODELS.delete(deadLetters.map(({ key }) => key)));
  return deadLetters.length;
}

/** Moves an object to the quarantine, so that it does not block the others. */
async function quarantine({ MODELS, budget }: Run, key: string, text: string, error: string): Promise<void> {
  if (budget.remaining < 2) return;
  const quarantineKey = key.replace(DEAD_LETTER_PREFIX, QUARANTINE_PREFIX);
  await budget.call(() =>
    MODELS.put(quarantineKey, text, { httpMetadata: { contentType: "application/json" } }),
  );
  await budget.call(() => MODELS.delete(key));
  console.error(JSON.stringify({ message: "dead-letter record quarantined", key: quarantineKey, error }));
}
