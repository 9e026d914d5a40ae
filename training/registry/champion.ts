import { downloadFile, ignoreUnreadableFile } from "../../cloudflare/r2.ts";
import type { Target } from "../../cloudflare/wrangler.ts";
import { findChampion, findModel, type PublishedModel, type Registry } from "./read-registry.ts";

/** The champion at the start of a run. */
export interface Champion {
  readonly model: PublishedModel;
  /** The ONNX file; null if it is missing or damaged. */
  readonly bytes: Uint8Array | null;
}

/** Reads the champion and its file. The file comes from the bucket, not from the cache of this machine. */
export async function readChampion(target: Target, registry: Registry): Promise<Champion | null> {
  const alias = findChampion(registry);
  const model = alias && findModel(registry, alias);
  if (!model) return null;
  return { model, bytes: await downloadFile(target, model.key, model.sha256).catch(ignoreUnreadableFile) };
}
