import { getStored, nullIfUnreadable } from "../../cloudflare/r2.ts";
import type { Target } from "../../cloudflare/wrangler.ts";
import { findChampion, findModel, type PublishedModel, type Registry } from "./read-registry.ts";

/** Who serves when a run begins. */
export interface Champion {
  readonly model: PublishedModel;
  /** Its file as the bucket has it; null where that is missing or damaged. */
  readonly bytes: Uint8Array | null;
}

/** Reads the champion's file from the bucket itself: what callers are served, and not a copy of this machine. */
export async function readChampion(target: Target, registry: Registry): Promise<Champion | null> {
  const alias = findChampion(registry);
  const model = alias && findModel(registry, alias);
  if (!model) return null;
  return { model, bytes: await getStored(target, model.key, model.sha256).catch(nullIfUnreadable) };
}
