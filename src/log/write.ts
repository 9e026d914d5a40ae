import { messages } from "../db/failure.ts";
import type { RequestRecord } from "../db/requests.ts";
import { shorten } from "./bodies.ts";
import { keepDeadLetter } from "./dead-letter.ts";
import { commit } from "./gather.ts";
import { type QueueBinding, send } from "./queue.ts";

/**
 * Hands a record to the queue where there is one, or writes it to the database; where that fails, to the
 * bucket; where that fails too, to the console, whose lines Cloudflare keeps. Returns when the record is in
 * one of them. Never throws.
 */
export async function write(env: Env & QueueBinding, record: RequestRecord): Promise<void> {
  if (await send(env, record)) return;
  const row = await shorten(env.MODELS, record);
  try {
    await commit(env.LOG_DB, row);
  } catch (error) {
    try {
      await keepDeadLetter(env.MODELS, row);
    } catch (second) {
      console.error(
        JSON.stringify({
          message: "a request could not be logged",
          insert: messages(error),
          deadLetter: messages(second),
          record: row,
        }),
      );
    }
  }
}
