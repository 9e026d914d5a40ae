import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Hono } from "hono";
import { ApiError, answer } from "./envelope.ts";

/** Paths with a leading slash and the hashes of their files. */
type Manifest = Record<string, { readonly hash: string; readonly size: number }>;

/** The static assets of all versions. A session uploads the files that the account does not have yet. */
export class Assets {
  readonly #folder: string;
  readonly #files = new Map<string, Uint8Array>();
  readonly #sessions = new Map<string, Manifest>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** @returns the session's token and the hashes to upload */
  openSession(manifest: Manifest): { token: string; missing: string[] } {
    const token = createToken(this.#sessions.size);
    this.#sessions.set(token, manifest);
    const hashes = new Set(Object.values(manifest).map(({ hash }) => hash));
    return { token, missing: [...hashes].filter((hash) => !this.#files.has(hash)) };
  }

  addFile(hash: string, bytes: Uint8Array): void {
    this.#files.set(hash, bytes);
  }

  /** Whether all files of a session are uploaded. */
  isComplete(token: string): boolean {
    return Object.values(this.#find(token)).every(({ hash }) => this.#files.has(hash));
  }

  /**
   * Writes the files of a session into a folder, as a version serves them.
   * @throws ApiError if one of them was not uploaded
   */
  async writeFolder(token: string, version: string): Promise<string> {
    const folder = join(this.#folder, version);
    for (const [path, { hash }] of Object.entries(this.#find(token))) {
      const bytes = this.#files.get(hash);
      if (bytes === undefined) throw new ApiError(400, 10304, `the asset ${path} was not uploaded`);
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), bytes);
    }
    return folder;
  }

  #find(token: string): Manifest {
    const manifest = this.#sessions.get(token);
    if (manifest === undefined) throw new ApiError(401, 10303, "the token of the assets is not valid");
    return manifest;
  }
}

/** wrangler decodes the token, so it must look like a JWT. */
function createToken(session: number): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${encode({ alg: "none" })}.${encode({ session })}.`;
}

/** Routes for the upload of static assets. */
export function addAssetRoutes(app: Hono, assets: Assets): void {
  app.post("/workers/scripts/:script/assets-upload-session", async (c) => {
    const { manifest } = await c.req.json();
    const { token, missing } = assets.openSession(manifest);
    return answer(c, { jwt: token, buckets: missing.length === 0 ? [] : [missing] });
  });
  app.post("/workers/assets/upload", async (c) => {
    const token = (c.req.header("authorization") ?? "").replace("Bearer ", "");
    for (const [hash, file] of await c.req.formData().then((form) => [...form.entries()])) {
      const text = typeof file === "string" ? file : await file.text();
      assets.addFile(hash, Buffer.from(text, "base64"));
    }
    return answer(c, assets.isComplete(token) ? { jwt: token } : {});
  });
}
