/** The copy of the registry in the bucket, as requests use it. */
import { describeError } from "../db/errors.ts";
import { readNewestCopy } from "../db/registry-copy/read.ts";
import type { RegistryCopy } from "../db/registry-copy/schema.ts";
import { updateRegistryCopy } from "../db/registry-copy/write.ts";
import { withTimeout } from "../lib/timeout.ts";
import type { AppContext, LookupContext } from "./context.ts";

const WRITE_TIMEOUT_MS = 2_000;

/** Looks something up in the copy because the registry does not answer. Null if the copy does not have it. */
export async function findInCopy<T>(
  c: LookupContext,
  find: (copy: RegistryCopy) => T | null | undefined,
): Promise<T | null> {
  const { diagnostics } = c.get("requestContext");
  try {
    const found = await readNewestCopy(c.env.MODELS, c.executionCtx);
    if (found.copy === null) {
      diagnostics.push(found.reason);
      return null;
    }
    const result = find(found.copy) ?? null;
    if (result !== null)
      diagnostics.push(`the copy of the registry was used (revision ${found.copy.revision})`);
    return result;
  } catch (error) {
    diagnostics.push(`the copy of the registry cannot be read: ${describeError(error)}`);
    return null;
  }
}

/** Writes a copy after a change. Never throws: the change is made, and a scheduled job repairs the copy. */
export async function writeRegistryCopy(c: AppContext): Promise<void> {
  try {
    const writing = updateRegistryCopy(c.env);
    c.executionCtx.waitUntil(writing.catch(() => {}));
    await withTimeout(WRITE_TIMEOUT_MS, writing);
  } catch (error) {
    c.get("requestContext").diagnostics.push(
      `the copy of the registry was not written: ${describeError(error)}`,
    );
  }
}
