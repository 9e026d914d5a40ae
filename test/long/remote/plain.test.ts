/** The commands with `--remote`, as people and the GitHub Actions run them, against a stand-in for Cloudflare. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { REPOSITORY_ROOT } from "../../../cloudflare/wrangler.ts";
import { type CloudflareApi, startCloudflareApi } from "../../cloudflare-api/start.ts";
import { startScript, TRAIN_MEDIAN } from "../../support/run-script.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";
import { CSV_ROWS, writeStonesCsv } from "../../support/stones-csv.ts";
import {
  addVersions,
  expectSoundRegistry,
  hasObject,
  readVersions,
  runRemote,
  withRemoteRegistry,
} from "./account.ts";

const folder = createScratchFolder();
let api: CloudflareApi;
let workerUrl: string;

beforeAll(async () => {
  api = await startCloudflareApi({ withResources: true });
});
afterEach(() => expect(api.unknownCalls()).toEqual([]));
afterAll(async () => {
  await api.close();
  folder.remove();
});

/** Runs the training step of train.yml in a folder with data/, with a trainer of one quick model. */
function runTrainStep(event: string): Promise<{ code: number | null; output: string }> {
  const workflow = parse(readFileSync(join(REPOSITORY_ROOT, ".github/workflows/train.yml"), "utf8"));
  const steps = workflow.jobs.train.steps as { run?: string }[];
  const script = steps.find(({ run }) => run?.includes("npm run train"))!.run!;
  const bin = join(folder.path, "bin");
  mkdirSync(bin, { recursive: true });
  // `npm run train -- ...`
  const trainer = `#!/bin/sh\nshift 3\nexec "${process.execPath}" "${join(REPOSITORY_ROOT, TRAIN_MEDIAN)}" "$@"\n`;
  writeFileSync(join(bin, "npm"), trainer, { mode: 0o755 });
  const env = {
    ...process.env,
    ...api.environment,
    PATH: `${bin}${delimiter}${process.env.PATH}`,
    GITHUB_EVENT_NAME: event,
    GITHUB_STEP_SUMMARY: join(folder.path, "summary.md"),
  };
  return new Promise((resolve) => {
    const child = execFile("bash", ["-e", "-c", script], { cwd: folder.path, env }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode, output: `${stdout}${stderr}` }),
    );
  });
}

test("the step of train.yml migrates an empty database, trains and publishes", async () => {
  mkdirSync(join(folder.path, "data"));
  writeStonesCsv(join(folder.path, "data"), "stones.csv", CSV_ROWS.slice(0, 600));
  const { code, output } = await runTrainStep("push");
  expect(code, output).toBe(0);
  expect(await readVersions(api)).toEqual(["median-price@1"]);
  await expectSoundRegistry(api);
});

test("keys are created, listed and revoked", async () => {
  await runRemote(api, "scripts/keys.ts", "create", "--name", "old", "--scopes", "predict");
  await runRemote(api, "scripts/keys.ts", "revoke", "--name", "old");
  const listed = await runRemote(api, "scripts/keys.ts", "list");
  expect(listed).toMatch(/old .*predict .*20\d\d-.* 20\d\d-/);
});

test("a rollout deploys the Worker, and the deployed Worker prices with the trained model", async () => {
  await startScript(["--url", "http://127.0.0.1:1"], "scripts/rollout.ts", api.environment).finished.then(
    ({ code, output }) => expect(code, output).toBe(0),
  );
  const { schedules, deployments } = api.findScript("facet");
  expect(schedules).toHaveLength(3);
  expect(deployments).toMatchObject([{ versions: [{ percentage: 100 }] }]);
  workerUrl = await api.serveWorker("facet");
  const ready = await fetch(`${workerUrl}/ready`);
  expect({ status: ready.status, body: await ready.json() }).toMatchObject({
    status: 200,
    body: { model: { name: "median-price", version: 1 } },
  });
  const output = await runRemote(api, "scripts/keys.ts", "create", "--name", "shop", "--scopes", "predict");
  const key = /facet_[\w-]{43}/.exec(output)?.[0];
  const priced = await fetch(`${workerUrl}/v1/predictions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    body: JSON.stringify({ carat: 1, cut: "Ideal", color: "H", clarity: "SI2" }),
  });
  expect(await priced.json()).toMatchObject({ price: expect.any(Number), model: { name: "median-price" } });
  expect((await fetch(`${workerUrl}/`)).headers.get("content-type")).toContain("text/html");
});

test("a second rollout gives the new version 0, 10, 50 and 100 % of the callers", async () => {
  const [old] = api.findScript("facet").versions;
  const run = startScript(
    ["--url", workerUrl, "--check-interval", "0"],
    "scripts/rollout.ts",
    api.environment,
  );
  const { code, output } = await run.finished;
  expect(code, output).toBe(0);
  const { versions, deployments } = api.findScript("facet");
  const id = versions[0]!.id;
  const traffic = deployments.map((deployment) =>
    Object.fromEntries(deployment.versions.map(({ version_id, percentage }) => [version_id, percentage])),
  );
  expect(traffic).toEqual([
    { [id]: 100 },
    { [id]: 50, [old!.id]: 50 },
    { [id]: 10, [old!.id]: 90 },
    { [id]: 0, [old!.id]: 100 },
    { [old!.id]: 100 },
  ]);
  expect((await fetch(`${workerUrl}/ready`)).headers.get("x-served-version")).toBe(id);
});

test("a model is imported, and an alias is moved", async () => {
  const model = join(REPOSITORY_ROOT, "test/fixtures/onnx-import/sklearn-ordinal-log.onnx");
  const options = ["--name", "forest", "--log", "--promote", "never", "--force"];
  await runRemote(api, "training/train.ts", "import", model, ...options);
  expect(await readVersions(api)).toEqual(["forest@1", "median-price@1"]);
  await runRemote(api, "scripts/promote.ts", "forest@1", "--reason", "test", "--alias", "challenger");
  const aliases = await withRemoteRegistry(api, (db) => db.query.aliases.findMany());
  expect(aliases.toSorted((a, b) => a.alias.localeCompare(b.alias))).toMatchObject([
    { alias: "challenger", name: "forest", version: 1 },
    { alias: "champion", name: "median-price", version: 1 },
  ]);
  await expectSoundRegistry(api);
});

test("old versions are pruned, with their files", async () => {
  const key = await addVersions(api, "median-price");
  const output = await runRemote(api, "scripts/models.ts", "prune", "--keep", "1");
  expect(output).toContain("1 versions and 1 files to delete; 3 versions stay");
  expect(await readVersions(api)).toEqual(["forest@1", "median-price@1", "median-price@3"]);
  expect(await hasObject(api, key)).toBe(false);
});
