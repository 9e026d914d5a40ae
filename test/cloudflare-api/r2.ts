import type { Hono } from "hono";
import { ApiError, answer } from "./envelope.ts";
import type { Storage } from "./storage.ts";

/** The R2 buckets of the account. */
export class Buckets {
  readonly #names = new Map<string, string>();
  readonly storage: Storage;

  constructor(storage: Storage) {
    this.storage = storage;
  }

  list() {
    return [...this.#names].map(([name, creationDate]) => ({ name, creation_date: creationDate }));
  }

  async create(name: string): Promise<void> {
    if (this.#names.has(name))
      throw new ApiError(409, 10004, "The bucket you tried to create already exists, and you own it.");
    this.#names.set(name, new Date().toISOString());
    await this.storage.addBucket(name);
  }

  /** @throws ApiError */
  find(name: string) {
    const creationDate = this.#names.get(name);
    if (creationDate === undefined) throw new ApiError(404, 10006, "The specified bucket does not exist.");
    return { name, creation_date: creationDate, location: "WEUR", storage_class: "Standard" };
  }
}

/** Routes of an account's buckets and of the objects in them. */
export function addR2Routes(app: Hono, buckets: Buckets): void {
  const { storage } = buckets;
  const objectPath = "/r2/buckets/:bucket/objects/:key{.+}";
  app.get("/r2/buckets", (c) => answer(c, { buckets: buckets.list() }));
  app.post("/r2/buckets", async (c) => {
    const { name } = await c.req.json();
    await buckets.create(name);
    return answer(c, buckets.find(name));
  });
  app.get("/r2/buckets/:bucket", (c) => answer(c, buckets.find(c.req.param("bucket"))));
  app.get("/r2/buckets/:bucket/objects", async (c) => {
    const { name } = buckets.find(c.req.param("bucket"));
    const { prefix = "", per_page = "20", cursor } = c.req.query();
    const page = await storage.useBucket(name, (bucket) =>
      bucket.list({
        prefix,
        limit: Number(per_page),
        include: ["customMetadata"],
        ...(cursor && { cursor }),
      }),
    );
    const result = page.objects.map(({ key, etag, size, customMetadata }) => ({
      key,
      etag,
      size,
      custom_metadata: customMetadata,
    }));
    const next = page.truncated ? { cursor: page.cursor } : {};
    // Cloudflare's description of its API has this boolean as a text.
    return c.json({
      success: true,
      errors: [],
      messages: [],
      result,
      result_info: { is_truncated: String(page.truncated), ...next },
    });
  });
  app.get(objectPath, async (c) => {
    const { name } = buckets.find(c.req.param("bucket"));
    const bytes = await storage.useBucket(name, async (bucket) =>
      (await bucket.get(c.req.param("key")))?.arrayBuffer(),
    );
    if (bytes === undefined) throw new ApiError(404, 10007, "The specified key does not exist.");
    return c.body(bytes, 200, { "content-type": "application/octet-stream" });
  });
  app.put(objectPath, async (c) => {
    const { name } = buckets.find(c.req.param("bucket"));
    const bytes = await c.req.arrayBuffer();
    const key = c.req.param("key");
    const object = await storage.useBucket(name, (bucket) => bucket.put(key, bytes));
    return answer(c, { key, etag: object?.etag, size: bytes.byteLength });
  });
  app.delete(objectPath, async (c) => {
    const { name } = buckets.find(c.req.param("bucket"));
    const key = c.req.param("key");
    await storage.useBucket(name, (bucket) => bucket.delete(key));
    return answer(c, { key });
  });
}
