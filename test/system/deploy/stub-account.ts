import { readdirSync } from "node:fs";
import { join } from "node:path";
import { BUCKET, DATABASES } from "../../../cloudflare/worker-config.ts";
import { REPOSITORY_ROOT, WranglerError } from "../../../cloudflare/wrangler.ts";
import type { DeployDependencies } from "../../../scripts/deploy/dependencies.ts";
import type { WranglerReport } from "../../../scripts/deploy/wrangler-reports.ts";

interface Version {
  readonly id: string;
  readonly tag: string | null;
}

const ADDRESS = "facet.example.workers.dev";

/** Commands that change nothing. */
const READS = /^(whoami|d1 list|d1 execute|r2 bucket list|deployments status|versions view)/;

/**
 * An account that exists only in memory. It answers the commands of a deployment as wrangler does, and records
 * them. Like Cloudflare, it refuses to create what exists.
 */
export class StubAccount implements DeployDependencies {
  readonly calls: string[] = [];
  readonly lines: string[] = [];
  readonly hasToken = false;
  isLoggedIn = true;
  commit: string | null = "aaaaaaaaaaaa";
  /** Answers of /ready: why the Worker is not ready. Afterwards it is. */
  problems: string[] = [];
  /** The next command that begins with this text fails with an output, once. */
  failure: { readonly command: string; readonly output: string } | null = null;

  readonly databases = new Map<string, { migrations: string[] }>();
  readonly buckets = new Set<string>();
  champion: string | null = null;
  keys = 0;
  readonly versions: Version[] = [];
  traffic: { version_id: string; percentage: number }[] = [];

  /** The recorded commands that change something. */
  get changes(): string[] {
    return this.calls.filter((call) => !READS.test(call));
  }

  // Fields, because the caller takes the functions out of the object.
  runWrangler = async (args: readonly string[]): Promise<string> => {
    const command = args.join(" ");
    this.#record(command);
    switch (true) {
      case command.startsWith("whoami"):
        if (!this.isLoggedIn) throw new WranglerError("whoami", '{"loggedIn":false}');
        return '{"loggedIn":true}';
      case command.startsWith("d1 list"):
        return JSON.stringify([...this.databases.keys()].map((name) => ({ name })));
      case command.startsWith("d1 create"):
        return this.#create(this.databases.has(args[2]!), () =>
          this.databases.set(args[2]!, { migrations: [] }),
        );
      case command.startsWith("d1 migrations apply"):
        this.#findDatabase(args[3]!).migrations = listMigrations(args[3]!);
        return "";
      case command.startsWith("d1 execute"):
        return this.#execute(args[2]!, args.at(-1)!);
      case command.startsWith("r2 bucket list"):
        return `Listing buckets...\n${[...this.buckets].map((name) => `name:           ${name}`).join("\n")}\n`;
      case command.startsWith("r2 bucket create"):
        return this.#create(this.buckets.has(args[3]!), () => this.buckets.add(args[3]!));
      case command.startsWith("deployments status"):
        if (this.traffic.length === 0)
          throw new WranglerError("", "This Worker does not exist [code: 10007]");
        return JSON.stringify({ versions: this.traffic });
      case command.startsWith("versions view"): {
        const { tag } = this.versions.find(({ id }) => id === args[2])!;
        return JSON.stringify({ annotations: tag === null ? {} : { "workers/tag": tag } });
      }
      case command.startsWith("versions deploy"):
        this.traffic = args.slice(2, -1).map((text) => {
          const [version_id = "", percentage = ""] = text.split("@");
          return { version_id, percentage: Number.parseInt(percentage, 10) };
        });
        return "";
      case command.startsWith("triggers deploy"):
        return `Deployed facet triggers (1.00 sec)\n  https://${ADDRESS}\n  schedule: * * * * *\n`;
      default:
        throw new Error(`the stub does not know wrangler ${command}`);
    }
  };

  runWranglerReported = async (args: readonly string[]): Promise<WranglerReport[]> => {
    this.#record(args.join(" "));
    const id = `0000000${this.versions.length + 1}-0000`;
    this.versions.push({ id, tag: args.includes("--tag") ? args.at(-1)! : null });
    if (args[0] === "versions") return [{ type: "version-upload", version_id: id }];
    this.traffic = [{ version_id: id, percentage: 100 }];
    return [{ type: "deploy", version_id: id, targets: [ADDRESS, "schedule: * * * * *"] }];
  };

  train = async (): Promise<void> => {
    this.#record("train");
    this.champion = "gradient-boosting@1";
  };

  createFirstKey = async (): Promise<void> => {
    this.#record("create a key");
    this.keys++;
  };

  findCommit = async () => this.commit;
  checkReady = async () => this.problems.shift() ?? null;
  sleep = async () => {};
  report = (line: string) => void this.lines.push(line);

  #record(command: string): void {
    const { failure } = this;
    if (failure !== null && command.startsWith(failure.command)) {
      this.failure = null;
      throw new WranglerError(command, failure.output);
    }
    this.calls.push(command);
  }

  #create(exists: boolean, create: () => void): string {
    if (exists) throw new Error("a step created what exists");
    create();
    return "";
  }

  #findDatabase(name: string): { migrations: string[] } {
    const database = this.databases.get(name);
    if (database === undefined) throw new WranglerError("d1", `Couldn't find a D1 DB named '${name}'`);
    return database;
  }

  #execute(name: string, sql: string): string {
    const { migrations } = this.#findDatabase(name);
    if (migrations.length === 0) throw new WranglerError("d1 execute", "no such table: SQLITE_ERROR");
    const results = sql.includes("d1_migrations")
      ? migrations.map((name) => ({ name }))
      : [{ champion: this.champion, keys: this.keys }];
    return JSON.stringify([{ results }]);
  }
}

/** Names of the files with migrations of a database. */
export function listMigrations(database: string): string[] {
  const { migrations } = DATABASES.find(({ name }) => name === database)!;
  return readdirSync(join(REPOSITORY_ROOT, migrations)).filter((file) => file.endsWith(".sql"));
}

/** An account that an earlier commit was deployed to. */
export function createDeployedAccount(): StubAccount {
  const account = new StubAccount();
  for (const { name } of DATABASES) account.databases.set(name, { migrations: listMigrations(name) });
  account.buckets.add(BUCKET);
  account.champion = "gradient-boosting@1";
  account.keys = 1;
  account.versions.push({ id: "old", tag: "bbbbbbbbbbbb" });
  account.traffic = [{ version_id: "old", percentage: 100 }];
  return account;
}
