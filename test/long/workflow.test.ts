import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";
import { MODELS } from "../../training/models/index.ts";
import { findRegistryFaults, withRegistry } from "../support/local-state.ts";
import type { ProcessResult } from "../support/run-script.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";
import { CSV_ROWS, mapPrices, writeStonesCsv } from "../support/stones-csv.ts";

const Step = z.object({
  uses: z.string().optional(),
  run: z.string().optional(),
  env: z.record(z.string(), z.string()).optional(),
});
const Workflow = z.object({
  permissions: z.record(z.string(), z.string()),
  concurrency: z.object({ group: z.string(), "cancel-in-progress": z.boolean() }),
  jobs: z.record(
    z.string(),
    z.object({ if: z.string().optional(), environment: z.string().optional(), steps: z.array(Step) }),
  ),
});

const FOLDER = join(REPOSITORY_ROOT, ".github/workflows");
const readWorkflow = (file: string) => Workflow.parse(parse(readFileSync(join(FOLDER, file), "utf8")));
const readSteps = (file: string) => Object.values(readWorkflow(file).jobs).flatMap((job) => job.steps);

describe.each(readdirSync(FOLDER))("%s", (file) => {
  test("may only read the repository, except for permissions of single jobs", () => {
    expect(readWorkflow(file).permissions).toEqual({ contents: "read" });
  });

  test("pins actions to commits", () => {
    for (const { uses } of readSteps(file)) if (uses) expect(uses).toMatch(/^[\w./-]+@[0-9a-f]{40}$/);
  });

  test("has no expressions in its commands", () => {
    for (const { run } of readSteps(file)) expect(run ?? "").not.toContain("${{");
  });
});

test("deploy.yml checks and tests before it deploys, and only that step has the token", () => {
  const steps = readSteps("deploy.yml");
  const commands = steps.flatMap(({ run }) => run ?? []);
  expect(commands).toEqual(["npm ci", "npm run check", "npm test", "npm run deploy"]);
  const withToken = steps.filter(({ env }) => env?.CLOUDFLARE_API_TOKEN !== undefined);
  expect(withToken.map(({ run }) => run)).toEqual(["npm run deploy"]);
});

test.each(["train.yml", "deploy.yml"])("a run of %s is never cancelled", (file) => {
  expect(readWorkflow(file).concurrency["cancel-in-progress"]).toBe(false);
});

describe("a job with the secrets of production", () => {
  const jobs = readdirSync(FOLDER).flatMap((file) =>
    Object.entries(readWorkflow(file).jobs).map(([name, job]) => ({ name: `${name} of ${file}`, ...job })),
  );
  const secretJobs = jobs.filter((job) => job.environment || JSON.stringify(job).includes("secrets."));
  const main = { event_name: "workflow_dispatch", ref: "refs/heads/main", repository: "o/facet" };
  const afterCi = (run: object) => ({
    ...main,
    event_name: "workflow_run",
    event: {
      workflow_run: {
        conclusion: "success",
        event: "push",
        head_repository: { full_name: "o/facet" },
        ...run,
      },
    },
  });

  test("is one of train.yml and one of deploy.yml", () => {
    expect(secretJobs.map(({ name }) => name)).toEqual(["deploy of deploy.yml", "train of train.yml"]);
  });

  test.each(secretJobs)("$name names the environment that has the secrets", ({ environment }) => {
    expect(environment).toBe("production");
  });

  test.each(secretJobs)("$name runs by hand for main and for no other branch or tag", (job) => {
    expect(evaluateCondition(job.if, main)).toBe(true);
    for (const ref of ["refs/heads/experiment", "refs/tags/main", "refs/pull/1/merge"])
      expect(evaluateCondition(job.if, { ...main, ref }), ref).toBe(false);
  });

  test("runs after ci only for a push to this repository that passed", () => {
    const [deploy] = secretJobs;
    expect(evaluateCondition(deploy?.if, afterCi({}))).toBe(true);
    const fork = { head_repository: { full_name: "stranger/facet" } };
    for (const run of [fork, { conclusion: "failure" }, { event: "pull_request" }])
      expect(evaluateCondition(deploy?.if, afterCi(run))).toBe(false);
  });

  test.each(["schedule", "push"])("trains after a %s on main", (event_name) => {
    const train = secretJobs.find(({ name }) => name.startsWith("train"));
    expect(evaluateCondition(train?.if, { ...main, event_name })).toBe(true);
  });
});

/** Evaluates a condition of a job: comparisons of `github.…` with texts, and brackets, && and ||. */
function evaluateCondition(condition = "true", github: object): boolean {
  // A missing value is an empty text in GitHub's expressions.
  const script = condition.replaceAll(/\bgithub\.([\w.]+)/g, (_, path: string) => {
    const value = path.split(".").reduce<unknown>((object, key) => Object(object)[key], github);
    return JSON.stringify(value ?? "");
  });
  return runInNewContext(script) === true;
}

describe("the commands of train.yml, run on a local state instead of Cloudflare", () => {
  const folder = createScratchFolder();
  const state = join(folder.path, "state");
  // A copy of this checkout with its own data folder.
  const checkout = join(folder.path, "checkout");
  const inCheckout = (...path: string[]) => join(checkout, ...path);
  /** The files that a push adds, in the order in which the trainer gets them. */
  const DATA_FILES = ["data/2026/new stones.csv", "data/packed.csv.gz"];

  beforeAll(() => {
    mkdirSync(checkout);
    for (const name of ["package.json", "node_modules", "training", "cloudflare", "src", "wrangler.toml"]) {
      symlinkSync(join(REPOSITORY_ROOT, name), inCheckout(name));
    }
  });
  afterAll(() => folder.remove());

  /** Runs the commands of the workflow as GitHub does: with `bash -e`, each step with its environment. */
  async function runWorkflow(
    event: string,
    inputs: Readonly<Record<string, string>> = {},
    environmentOverrides: NodeJS.ProcessEnv = {},
  ) {
    let result: ProcessResult = { code: null, output: "" };
    const summary = join(folder.path, `${event}-summary.md`);
    for (const { run, env = {} } of readSteps("train.yml")) {
      if (run === undefined || run === "npm ci") continue;
      expect(run).toContain(" --remote ");
      const values = Object.entries(env).map(([name, text]) => [
        name,
        text.replace(/^\$\{\{ (secrets|inputs)\.([\w-]+) \}\}$/, (_, kind, key) =>
          kind === "inputs" ? (inputs[key] ?? "") : "",
        ),
      ]);
      const environment = {
        ...process.env,
        ...environmentOverrides,
        ...Object.fromEntries(values),
        GITHUB_EVENT_NAME: event,
        GITHUB_STEP_SUMMARY: summary,
        FACET_STATE: state,
      };
      result = await runBash(run.replace(" --remote ", " "), environment);
      if (result.code !== 0) break;
    }
    return { ...result, summary: existsSync(summary) ? readFileSync(summary, "utf8") : "" };
  }

  function runBash(script: string, env: NodeJS.ProcessEnv): Promise<ProcessResult> {
    return new Promise((resolve) => {
      const child = execFile("bash", ["-e", "-c", script], { cwd: checkout, env }, (_, stdout, stderr) =>
        resolve({ code: child.exitCode, output: `${stdout}${stderr}` }),
      );
    });
  }

  const readVersions = () =>
    withRegistry(state, async (db) =>
      (await db.query.models.findMany()).map(({ name, version, report }) => ({ name, version, report })),
    );

  test("on schedule: the first run trains on the embedded dataset and publishes", async () => {
    const { code, output, summary } = await runWorkflow("schedule");
    expect(code, output).toBe(0);
    expect(summary).toContain("53,920 stones");
    expect(summary).toContain("| gradient-boosting@1 |");
    expect(summary).toMatch(/champion: gradient-boosting@1 \(first champion/);
    expect(readdirSync(inCheckout("reports")).sort()).toEqual(
      MODELS.map(({ name }) => `${name}@1.html`).sort(),
    );
    expect(await findRegistryFaults(state)).toEqual([]);
  });

  test("the model card in the artifact is the one in the bucket", async () => {
    const card = readFileSync(inCheckout("reports", "gradient-boosting@1.html"), "utf8");
    const key = (await readVersions()).find(({ name }) => name === "gradient-boosting")?.report;
    const stored = await withRegistry(state, async (_, bucket) => (await bucket.get(key ?? ""))?.text());
    expect(stored).toBe(card);
  });

  test("on schedule again: nothing is new, so there is no new version", async () => {
    const { code, output } = await runWorkflow("schedule");
    expect(code, output).toBe(0);
    expect(output).toContain("nothing new");
    expect(await readVersions()).toHaveLength(MODELS.length);
  });

  test("on a push to data: the stones of the files are added to the known stones", async () => {
    mkdirSync(inCheckout("data", "2026"), { recursive: true });
    const freshRows = mapPrices(CSV_ROWS.slice(0, 40), (price) => price + 7);
    writeStonesCsv(inCheckout("data", "2026"), "new stones.csv", freshRows.slice(0, 30));
    const packed = readFileSync(writeStonesCsv(folder.path, "packed.csv", freshRows.slice(30)));
    writeFileSync(inCheckout("data", "packed.csv.gz"), gzipSync(packed));
    for (const name of ["README.md", ".gitkeep"]) writeFileSync(inCheckout("data", name), "no stones");
    const { code, output, summary } = await runWorkflow("push");
    expect(code, output).toBe(0);
    expect(summary).toContain("53,960 stones");
    expect(await readVersions()).toHaveLength(2 * MODELS.length);
    expect(await findRegistryFaults(state)).toEqual([]);
  });

  test("by hand: inputs are never executed as commands", async () => {
    const { code, output } = await runWorkflow("workflow_dispatch", {
      seed: '1"; touch pwned; echo "$(touch pwned)',
    });
    expect(code, output).toBe(1);
    expect(output).toContain("--seed must be a whole number");
    expect(existsSync(inCheckout("pwned"))).toBe(false);
  });

  test.each([
    ["schedule", {}, ["--promote", "auto", "--seed", "42"], []],
    ["push", {}, ["--promote", "auto", "--seed", "42"], ["--data", ...DATA_FILES, "--append"]],
    [
      "workflow_dispatch",
      { promote: "never", seed: "7", data: "false", "accept-feed": "false", "force-train": "true" },
      ["--promote", "never", "--seed", "7"],
      ["--force-train"],
    ],
    [
      "workflow_dispatch",
      { promote: "force", seed: "8", data: "true", "accept-feed": "true", "force-train": "false" },
      ["--promote", "force", "--seed", "8"],
      ["--data", ...DATA_FILES, "--append", "--accept-feed"],
    ],
  ])("%s with %j passes the options to the trainer", async (event, inputs, before, after) => {
    const bin = join(folder.path, "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "npm"), '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
    const { output } = await runWorkflow(event, inputs, { PATH: `${bin}:${process.env.PATH}` });
    const summary = join(folder.path, `${event}-summary.md`);
    const outputs = ["--summary", summary, "--report", "reports"];
    expect(output.trim().split("\n")).toEqual(["run", "train", "--", ...before, ...outputs, ...after]);
  });
});
