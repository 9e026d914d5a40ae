/** Uploads files to a local bucket, two per call: `STATE PREFIX UPLOADS`. Several processes run at once. */
import { uploadFiles } from "../../../cloudflare/r2.ts";

const [state = "", prefix = "", uploads = "0"] = process.argv.slice(2);
for (let upload = 0; upload < Number(uploads); upload++) {
  const files = [0, 1].map((i) => ({
    key: `${prefix}/${upload}-${i}`,
    bytes: Buffer.from(`${prefix} ${upload} ${i}`),
    verify: i === 0,
  }));
  await uploadFiles({ kind: "local", state }, files);
}
