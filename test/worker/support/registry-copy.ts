/** The copies of the registry in the real bucket. */
import { env } from "cloudflare:workers";
import {
  COPY_PREFIX,
  parseCopy,
  parseCopyKey,
  type RegistryCopy,
} from "../../../src/db/registry-copy/schema.ts";

/** The copies, newest first. */
export async function readCopies(): Promise<RegistryCopy[]> {
  const { objects } = await env.MODELS.list({ prefix: COPY_PREFIX });
  const copies = await Promise.all(
    objects.map(async ({ key }) => {
      const text = await (await env.MODELS.get(key))?.text();
      return parseCopy(text ?? "", parseCopyKey(key) ?? -1);
    }),
  );
  return copies.filter((copy) => copy !== null);
}

export async function readNewestCopy(): Promise<RegistryCopy> {
  const [newest] = await readCopies();
  if (newest === undefined) throw new Error("there is no copy of the registry");
  return newest;
}

export async function readRevision(): Promise<number> {
  const row = await env.DB.prepare("SELECT revision FROM registry_revision").first<{ revision: number }>();
  return row?.revision ?? 0;
}
