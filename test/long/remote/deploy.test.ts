import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createDependencies } from "../../../scripts/deploy/create-dependencies.ts";
import type { DeployDependencies } from "../../../scripts/deploy/dependencies.ts";
import { runDeployment } from "../../../scripts/deploy/run.ts";
import { type CloudflareApi, startCloudflareApi } from "../../cloudflare-api/start.ts";
import { startScript } from "../../support/run-script.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";
import { CSV_ROWS, writeStonesCsv } from "../../support/stones-csv.ts";

/** Calls that change the account, in the order of a deployment. */
const CHANGES =
  /^(d1 create|r2 create|d1 import init|r2 put|script upload|version upload|deployment create|schedules)$/;

describe("npm run deploy, with the real wrangler and an empty account on loopback", () => {
  const folder = createScratchFolder();
  let api: CloudflareApi;
  let worker: Promise<string> | null = null;
  const askWorker = async (path: string, init?: RequestInit) => {
    worker ??= api.serveWorker("facet");
    return fetch(new URL(path, await worker), init);
  };

  beforeAll(async () => {
    api = await startCloudflareApi();
    for (const [name, value] of Object.entries(api.environment)) vi.stubEnv(name, value);
  });
  afterAll(async () => {
    vi.unstubAllEnvs();
    await api.close();
    folder.remove();
  });

  /** Deploys a commit. Everything is real but the address of the Worker, the waiting and the name of the commit. */
  async function deploy(commit: string) {
    const lines: string[] = [];
    const urls = new Set<string>();
    const data = writeStonesCsv(folder.path, "stones.csv", CSV_ROWS.slice(0, 300));
    const dependencies: DeployDependencies = {
      ...createDependencies([data]),
      findCommit: async () => commit,
      async checkReady(url, version) {
        urls.add(url.href);
        const headers = version && { "Cloudflare-Workers-Version-Overrides": `facet="${version}"` };
        const response = await askWorker("/ready", { headers: headers || {} });
        const isVersion = version === undefined || response.headers.get("x-served-version") === version;
        return response.ok && isVersion ? null : `/ready answers ${response.status}`;
      },
      sleep: async () => {},
      report: (line) => void lines.push(line),
    };
    const log = vi.spyOn(console, "log").mockImplementation((line) => void lines.push(String(line)));
    const firstCall = api.calls.length;
    await runDeployment(dependencies, { url: null, firstKey: true }).finally(() => log.mockRestore());
    const changes = api.calls.slice(firstCall).filter((call) => CHANGES.test(call));
    return { output: lines.join("\n"), urls: [...urls], changes };
  }

  test("creates, migrates, trains, deploys, and prints an address and a key that prices", async () => {
    // The database is created, but wrangler never hears of it and tries again.
    api.setFaults([{ call: "d1 create", which: [2], fault: { kind: "answer lost" } }]);
    const { output, urls, changes } = await deploy("aaaaaaaaaaaa");
    expect(api.causedFaults).toHaveLength(1);
    expect(api.listResources()).toEqual({
      databases: ["facet-registry", "facet-log"],
      buckets: ["facet-models"],
    });
    // The Worker is uploaded only after everything that it needs.
    const upload = changes.indexOf("script upload");
    const before = ["d1 create", "r2 create", "d1 import init", "r2 put"];
    expect(new Set(changes.slice(0, upload))).toEqual(new Set(before));
    // Then come its triggers, the key and the copy of the registry.
    expect(changes.slice(upload)).toEqual(["script upload", "schedules", "d1 import init", "r2 put"]);
    expect(urls).toEqual(["https://facet.example.workers.dev/"]);

    const [key] = /facet_[\w-]{43}/.exec(output) ?? [];
    const response = await askWorker("/v1/predictions", {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ carat: 0.3, cut: "Ideal", color: "E", clarity: "SI1" }),
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ price: expect.any(Number) });
    expect(api.unknownCalls()).toEqual([]);
  });

  test("a second run changes nothing", async () => {
    const { output, changes } = await deploy("aaaaaaaaaaaa");
    // Setting the same cron triggers again is how wrangler tells the address.
    expect(changes).toEqual(["schedules"]);
    expect(output).toContain("Facet serves at  https://facet.example.workers.dev\n");
    expect(output).not.toMatch(/facet_[\w-]{43}/);
  });

  test("a new commit is rolled out", async () => {
    const { changes } = await deploy("bbbbbbbbbbbb");
    expect(changes).toEqual([
      "schedules",
      "version upload",
      ...Array(4).fill("deployment create"),
      "schedules",
    ]);
    const [{ versions } = { versions: [] }] = api.findScript("facet").deployments;
    expect(versions).toEqual([{ version_id: api.findScript("facet").versions[0]?.id, percentage: 100 }]);
    expect(api.unknownCalls()).toEqual([]);
  });
});

test("npm run deploy -- --dry-run lists the steps without login and network", async () => {
  const folder = createScratchFolder();
  const environment = {
    ...Object.fromEntries(
      Object.keys(process.env)
        .filter((name) => name.startsWith("CLOUDFLARE_"))
        .map((name) => [name, undefined]),
    ),
    // wrangler keeps its login there.
    HOME: folder.path,
    XDG_CONFIG_HOME: folder.path,
  };
  const { code, output } = await startScript(["--dry-run"], "scripts/deploy.ts", environment).finished;
  folder.remove();
  expect(code, output).toBe(0);
  expect(output.match(/^\d+\. .*/gm)).toHaveLength(9);
  expect(output).toContain("Nothing was changed. To deploy, run `npx wrangler login`");
});
