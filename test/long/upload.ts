/** A process that uploads files of its own to a local bucket, one call after the other: `STATE NAME CALLS`. */
import { putVerified } from "../../cloudflare/r2.ts";

const [state = "", name = "", calls = "0"] = process.argv.slice(2);
for (let call = 0; call < Number(calls); call++) {
  const files = [0, 1].map((k) => ({
    key: `${name}/${call}-${k}`,
    bytes: Buffer.from(`${name} ${call} ${k}`),
    verify: k === 0,
  }));
  await putVerified({ kind: "local", state }, files);
}
