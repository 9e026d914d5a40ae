import { randomUUID } from "node:crypto";
import type { D1Result } from "@cloudflare/workers-types";
import type { Hono } from "hono";
import { unstable_splitSqlQuery as splitSql } from "wrangler";
import { ApiError, answer } from "./envelope.ts";
import type { Storage } from "./storage.ts";

export interface DatabaseRecord {
  readonly uuid: string;
  readonly name: string;
}

/** The D1 databases of the account. */
export class Databases {
  readonly #records: DatabaseRecord[] = [];
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  get records(): readonly DatabaseRecord[] {
    return this.#records;
  }

  async create(name: string, uuid: string = randomUUID()): Promise<DatabaseRecord> {
    if (this.#records.some((record) => record.name === name))
      throw new ApiError(400, 7502, `A database with name '${name}' already exists`);
    const record = { uuid, name };
    this.#records.push(record);
    await this.#storage.addDatabase(uuid);
    return record;
  }

  /** @throws ApiError */
  find(idOrName: string): DatabaseRecord {
    const record = this.#records.find(({ uuid, name }) => uuid === idOrName || name === idOrName);
    if (record === undefined) throw new ApiError(404, 7404, `The database ${idOrName} could not be found`);
    return record;
  }

  /**
   * Executes the statements of a text in one transaction.
   * @throws ApiError with the message of SQLite
   */
  async execute(idOrName: string, sql: string): Promise<D1Result[]> {
    const { uuid } = this.find(idOrName);
    const statements = splitSql(sql);
    if (statements.length === 0) throw new ApiError(400, 7400, "No SQL statements detected.");
    try {
      return await this.#storage.useDatabase(uuid, (database) =>
        database.batch(statements.map((statement) => database.prepare(statement))),
      );
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      throw new ApiError(400, 7500, message.replace(/^D1_ERROR: /, ""));
    }
  }
}

/** Routes of an account's databases, without the import of files. */
export function addD1Routes(app: Hono, databases: Databases): void {
  app.get("/d1/database", (c) => {
    const { name, page = "1", per_page = "10" } = c.req.query();
    const found = databases.records.filter((record) => name === undefined || record.name === name);
    const first = (Number(page) - 1) * Number(per_page);
    return answer(c, found.slice(first, first + Number(per_page)));
  });
  app.post("/d1/database", async (c) => answer(c, await databases.create((await c.req.json()).name)));
  app.get("/d1/database/:id", (c) => answer(c, databases.find(c.req.param("id"))));
  app.post("/d1/database/:id/query", async (c) => {
    const { sql } = await c.req.json();
    return answer(c, await databases.execute(c.req.param("id"), sql));
  });
}
