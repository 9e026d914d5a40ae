import { createHash, randomUUID } from "node:crypto";
import type { Hono } from "hono";
import type { Databases } from "./d1.ts";
import { ApiError, answer } from "./envelope.ts";

/** An import of a file in progress. Its bookmark is what the client asks for it with. */
interface Import {
  readonly database: string;
  readonly etag: string;
  readonly bookmark: string;
  readonly finished: Promise<object>;
  remainingPolls: number;
}

/** How long an import takes, from the client's point of view. */
export interface ImportSettings {
  /** Answers to polls that say "not yet". The service holds each of them back for a moment. */
  polls: number;
  /** How long an answer to a poll is held back, in milliseconds. */
  pollMs: number;
}

/**
 * The import of an SQL file: init names an address for the upload, ingest starts the work, and poll asks for its
 * end. While a file is imported, the init of a file with the same content joins that import.
 * @param uploadUrl address of the upload, outside the account's routes
 */
export function addImportRoutes(
  { account, root }: { account: Hono; root: Hono },
  databases: Databases,
  settings: ImportSettings,
  uploadUrl: () => string,
): void {
  const uploads = new Map<string, Uint8Array>();
  const imports = new Map<string, Import>();

  account.post("/d1/database/:id/import", async (c) => {
    const { uuid } = databases.find(c.req.param("id"));
    const { action, etag, filename, current_bookmark } = await c.req.json();
    if (action === "init") {
      const running = [...imports.values()].find(
        (one) => one.database === uuid && one.etag === etag && one.remainingPolls > 0,
      );
      if (running !== undefined) return answer(c, describeProgress(running));
      const name = `${etag}.${randomUUID()}.sql`;
      return answer(c, { success: true, filename: name, upload_url: `${uploadUrl()}/${name}` });
    }
    if (action === "ingest") {
      const bytes = uploads.get(filename);
      if (bytes === undefined) throw new ApiError(400, 7500, `${filename} was not uploaded`);
      uploads.delete(filename);
      const started: Import = {
        database: uuid,
        etag,
        bookmark: randomUUID(),
        finished: importFile(databases, uuid, bytes),
        remainingPolls: settings.polls,
      };
      imports.set(started.bookmark, started);
      return answer(c, await describe(started));
    }
    const polled = imports.get(current_bookmark);
    if (action !== "poll" || polled === undefined) throw new ApiError(400, 7400, `no import for ${action}`);
    await new Promise((resolve) => setTimeout(resolve, settings.pollMs));
    polled.remainingPolls--;
    return answer(c, await describe(polled));
  });

  root.put("/d1-uploads/:name", async (c) => {
    const bytes = new Uint8Array(await c.req.arrayBuffer());
    uploads.set(c.req.param("name"), bytes);
    return c.body(null, 200, { etag: `"${createHash("md5").update(bytes).digest("hex")}"` });
  });
}

async function describe(one: Import): Promise<object> {
  return one.remainingPolls > 0 ? describeProgress(one) : one.finished;
}

const describeProgress = ({ bookmark }: Import) => ({
  success: true,
  type: "import",
  status: "active",
  at_bookmark: bookmark,
  messages: ["Processed part of the file."],
  errors: [],
});

/** The work goes on, whatever becomes of the client's connection. An error is a result too. */
async function importFile(databases: Databases, id: string, bytes: Uint8Array): Promise<object> {
  try {
    const results = await databases.execute(id, Buffer.from(bytes).toString());
    const sum = (field: string) =>
      results.reduce((total, { meta }) => total + Number((meta as Record<string, unknown>)[field] ?? 0), 0);
    const meta = {
      duration: sum("duration"),
      rows_read: sum("rows_read"),
      rows_written: sum("rows_written"),
      size_after: results.at(-1)?.meta.size_after ?? 0,
    };
    const result = { num_queries: results.length, final_bookmark: randomUUID(), meta };
    return { success: true, type: "import", status: "complete", messages: [], errors: [], result };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return {
      success: false,
      type: "import",
      status: "error",
      error: error.message,
      messages: [],
      errors: [],
    };
  }
}
