import type { D1Database, R2Bucket } from "@cloudflare/workers-types";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { type DeployedVersion, toMiniflareWorker } from "./deployed-version.ts";

/** The worker of miniflare that has all databases and buckets. It serves nobody. */
const STORAGE_WORKER = "storage";

/**
 * The databases and buckets of the account, and the versions of Workers that serve on them: workerd with its
 * simulated D1 and R2 in one process. The databases have their id as the name of their binding.
 */
export class Storage {
  readonly #folder: string;
  readonly #databases: Set<string>;
  readonly #buckets: Set<string>;
  #versions: readonly DeployedVersion[] = [];
  #miniflare: Miniflare | null = null;
  /** Uses in progress. A change of the options would break them. */
  readonly #uses = new Set<Promise<unknown>>();
  #change: Promise<void> = Promise.resolve();

  /** @param folder where the data is kept */
  constructor(folder: string) {
    this.#folder = folder;
    this.#databases = new Set();
    this.#buckets = new Set();
  }

  addDatabase(id: string): Promise<void> {
    this.#databases.add(id);
    return this.#restart();
  }

  addBucket(name: string): Promise<void> {
    this.#buckets.add(name);
    return this.#restart();
  }

  useDatabase<Result>(id: string, use: (database: D1Database) => Promise<Result>): Promise<Result> {
    return this.#use(async (miniflare) =>
      // Miniflare's types are those of its own copy of @cloudflare/workers-types.
      use((await miniflare.getD1Database(id, STORAGE_WORKER)) as unknown as D1Database),
    );
  }

  useBucket<Result>(name: string, use: (bucket: R2Bucket) => Promise<Result>): Promise<Result> {
    return this.#use(async (miniflare) =>
      use((await miniflare.getR2Bucket(name, STORAGE_WORKER)) as unknown as R2Bucket),
    );
  }

  /** Sends a request to a version, and starts it first if it does not run yet. */
  async fetchVersion(version: DeployedVersion, request: Request): Promise<Response> {
    if (!this.#versions.includes(version)) {
      this.#versions = [...this.#versions, version];
      await this.#restart();
    }
    return this.#use(async (miniflare) => {
      const worker = await miniflare.getWorker(version.id);
      const response = await worker.fetch(request.url, {
        method: request.method,
        headers: Object.fromEntries(request.headers),
        body: request.body === null ? null : Buffer.from(await request.arrayBuffer()),
        redirect: "manual",
      });
      const headers = new Headers(Object.fromEntries(response.headers));
      // The body is decoded, and Node counts it again.
      for (const name of ["content-encoding", "content-length", "transfer-encoding"]) headers.delete(name);
      return new Response(await response.arrayBuffer(), { status: response.status, headers });
    });
  }

  async close(): Promise<void> {
    await this.#change;
    await this.#miniflare?.dispose();
  }

  async #use<Result>(run: (miniflare: Miniflare) => Promise<Result>): Promise<Result> {
    await this.#change;
    this.#miniflare ??= new Miniflare(this.#buildOptions());
    const use = run(this.#miniflare);
    const ended = use.catch(() => {});
    this.#uses.add(ended);
    void ended.then(() => this.#uses.delete(ended));
    return use;
  }

  /** Without a process there is nothing to change: the first use starts it with all that was added. */
  #restart(): Promise<void> {
    this.#change = this.#change.then(async () => {
      await Promise.all(this.#uses);
      await this.#miniflare?.setOptions(this.#buildOptions());
    });
    return this.#change;
  }

  #buildOptions() {
    const toBindings = (names: Iterable<string>) =>
      Object.fromEntries([...names].map((name) => [name, name]));
    return convertV4MiniflareOptions({
      cf: false,
      logRequests: false,
      resourcePersistencePath: this.#folder,
      workers: [
        {
          name: STORAGE_WORKER,
          modules: true,
          script: "export default {}",
          d1Databases: toBindings(this.#databases),
          r2Buckets: toBindings(this.#buckets),
        },
        ...this.#versions.map(toMiniflareWorker),
      ],
    });
  }
}
