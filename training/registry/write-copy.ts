import { uploadFiles } from "../../cloudflare/r2.ts";
import { query, type Target } from "../../cloudflare/wrangler.ts";
import { buildCopy, COPY_QUERIES, formatCopy, toCopyKey } from "../../src/db/registry-copy/schema.ts";

/**
 * Writes the copy of the registry to the bucket after a change. A failure is only a warning: the change is made,
 * and a job of the Worker repairs the copy.
 */
export async function writeRegistryCopy(target: Target): Promise<void> {
  try {
    const copy = buildCopy(await query(target, COPY_QUERIES));
    const bytes = Buffer.from(formatCopy(copy));
    await uploadFiles(target, [{ key: toCopyKey(copy.revision), bytes, verify: false }]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    console.warn(
      `warning: the copy of the registry in the bucket was not updated (${reason}); the Worker does it within a minute`,
    );
  }
}
