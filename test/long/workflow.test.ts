import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { MODELS } from "../../training/models/index.ts";
import {
  EMBEDDED,
  type Finished,
  ROOT,
  readState,
  registryFaults,
  scratchFolder,
} from "../system/trainer.ts";

const Step = z.object({
  uses: z.string().optional(),
  run: z.string().optional(),
  env: z.record(z.string(), z.string()).optional(),
});
const Workflow = z.object({
  permissions: z.record(z.string(), z.string()),
  concurrency: z.object({ group: z.string(), "cancel-in-progress": z.boolean() }),
  jobs: z.record(z.string(), z.object({ steps: z.array(Step) })),
});

const FOLDER = join(ROOT, ".github/workflows");
const read = (file: string) => Workflow.parse(parse(readFileSync(join(FOLDER, file), "utf8")));
const stepsOf = (file: string) => Object.values(read(file).jobs).flatMap((job) => job.steps);

describe.each(readdirSync(FOLDER))("%s", (file) => {
  test("may read the repository, and whatever else a job says", () => {
    expect(read(file).permissions).toEqual({ contents: "read" });
  });

  test("takes actions by commit", () => {
    for (const { uses } of stepsOf(file)) if (uses) expect(uses).toMatch(/^[\w./-]+@[0-9a-f]{40}$/);
  });

  test("puts no expression into the text of a command", () => {
    for (const { run } of stepsOf(file)) expect(run ?? "").not.toContain("${{");
  });
});

test.each(["train.yml", "deploy.yml"])("%s is never cancelled half-way", (file) => {
  expect(read(file).concurrency["cancel-in-progress"]).toBe(false);
});

describe("the commands of train.yml, on this machine instead of Cloudflare", () => {
  const scratch = scratchFolder();
  const state = join(scratch.path, "state");
  // A checkout that differs from this one in its data folder.
  const checkout = join(scratch.path, "checkout");
  const at = (...path: string[]) => join(checkout, ...path);

  beforeAll(() => {
    mkdirSync(checkout);
    for (const name of ["package.json", "node_modules", "training", "src", "wrangler.toml"]) {
      symlinkSync(join(ROOT, name), at(name));
    }
  });
  afterAll(() => scratch.remove());

  /** Runs the workflow's own commands as GitHub does: `bash -e`, each step with its environment. */
  async function workflow(
    event: string,
    inputs: Readonly<Record<string, string>> = {},
    machine: NodeJS.ProcessEnv = {},
  ) {
    let last: Finished = { code: null, output: "" };
    const summary = join(scratch.path, `${event}-summary.md`);
    for (const { run, env = {} } of stepsOf("train.yml")) {
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
        ...machine,
        ...Object.fromEntries(values),
        GITHUB_EVENT_NAME: event,
        GITHUB_STEP_SUMMARY: summary,
        FACET_STATE: state,
      };
      last = await bash(run.replace(" --remote ", " "), environment);
      if (last.code !== 0) break;
    }
    return { ...last, summary: existsSync(summary) ? readFileSync(summary, "utf8") : "" };
  }

  function bash(script: string, env: NodeJS.ProcessEnv): Promise<Finished> {
    return new Promise((done) => {
      const child = execFile("bash", ["-e", "-c", script], { cwd: checkout, env }, (_, out, err) =>
        done({ code: child.exitCode, output: `${out}${err}` }),
      );
    });
  }

  const versions = () =>
    readState(state, async (db) =>
      (await db.query.models.findMany()).map(({ name, version, report }) => ({ name, version, report })),
    );

  test("on schedule: the first run trains on the embedded stones and publishes", async () => {
    const { code, output, summary } = await workflow("schedule");
    expect(code, output).toBe(0);
    expect(summary).toContain("53,920 stones");
    expect(summary).toContain("| gradient-boosting@1 |");
    expect(summary).toMatch(/champion: gradient-boosting@1 \(first champion/);
    expect(readdirSync(at("reports")).sort()).toEqual(MODELS.map(({ name }) => `${name}@1.html`).sort());
    expect(await registryFaults(state)).toEqual([]);
  });

  test("the model card that is kept is the one in the bucket", async () => {
    const card = readFileSync(at("reports", "gradient-boosting@1.html"), "utf8");
    const key = (await versions()).find(({ name }) => name === "gradient-boosting")?.report;
    const stored = await readState(state, async (_, bucket) => (await bucket.get(key ?? ""))?.text());
    expect(stored).toBe(card);
  });

  test("on schedule again: nothing new, and no new version", async () => {
    const { code, output } = await workflow("schedule");
    expect(code, output).toBe(0);
    expect(output).toContain("nothing new");
    expect(await versions()).toHaveLength(MODELS.length);
  });

  test("on a push to data: the files' stones are added to those that are known", async () => {
    const [header = "", ...rows] = readFileSync(EMBEDDED, "utf8").trim().split("\n");
    const price = header.replaceAll('"', "").split(",").indexOf("price");
    const fresh = rows.slice(0, 40).map((row) => {
      const cells = row.split(",");
      cells[price] = String(Number(cells[price]) + 7);
      return cells.join(",");
    });
    mkdirSync(at("data", "2026"), { recursive: true });
    writeFileSync(at("data", "2026", "new stones.csv"), `${[header, ...fresh].join("\n")}\n`);
    const { code, output, summary } = await workflow("push");
    expect(code, output).toBe(0);
    expect(summary).toContain("53,960 stones");
    expect(await versions()).toHaveLength(2 * MODELS.length);
    expect(await registryFaults(state)).toEqual([]);
  });

  test("by hand: inputs are values, whatever they hold", async () => {
    const { code, output } = await workflow("workflow_dispatch", {
      seed: '1"; touch pwned; echo "$(touch pwned)',
    });
    expect(code, output).toBe(1);
    expect(output).toContain("--seed must be a whole number");
    expect(existsSync(at("pwned"))).toBe(false);
  });

  test.each([
    ["schedule", {}, ["--promote", "auto", "--seed", "42"], []],
    ["push", {}, ["--promote", "auto", "--seed", "42"], ["--data", "data/**/*.csv", "--append"]],
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
      ["--data", "data/**/*.csv", "--append", "--accept-feed"],
    ],
  ])("%s with %j says so to the trainer", async (event, inputs, before, after) => {
    const bin = join(scratch.path, "bin");
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, "npm"), '#!/bin/sh\nprintf "%s\\n" "$@"\n', { mode: 0o755 });
    const { output } = await workflow(event, inputs, { PATH: `${bin}:${process.env.PATH}` });
    const summary = join(scratch.path, `${event}-summary.md`);
    const outputs = ["--summary", summary, "--report", "reports"];
    expect(output.trim().split("\n")).toEqual(["run", "train", "--", ...before, ...outputs, ...after]);
  });
});
