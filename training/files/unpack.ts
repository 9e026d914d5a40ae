import { gunzipSync, inflateSync } from "node:zlib";
import { UserError } from "../../cloudflare/user-error.ts";

/** A model that is small enough to be served has a far smaller file. */
export const MAX_UNPACKED_BYTES = 256_000_000;

/**
 * Unpacks a gzip file.
 * @throws UserError if it is damaged, or larger than {@link MAX_UNPACKED_BYTES} when unpacked
 */
export function unpackGzip(bytes: Uint8Array): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch (cause) {
    const isTooLarge = cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE";
    throw new UserError(
      isTooLarge
        ? `the gzip file has more than ${MAX_UNPACKED_BYTES / 1e6} MB when it is unpacked; a model must be smaller`
        : "the gzip file is damaged or incomplete",
      { cause },
    );
  }
}

/** Unpacks what zlib has packed, such as joblib.dump(model, file, compress=3); null if it is something else. */
export function unpackZlib(bytes: Uint8Array): Uint8Array | null {
  const [first = 0, second = 0] = bytes;
  if (first !== 0x78 || ((first << 8) | second) % 31 !== 0) return null;
  try {
    return inflateSync(bytes, { maxOutputLength: MAX_UNPACKED_BYTES });
  } catch {
    return null;
  }
}
