import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { findFreePort } from "../../../cloudflare/dev-server.ts";
import { REPOSITORY_ROOT, WRANGLER } from "../../../cloudflare/wrangler.ts";
import * as logSchema from "../../../src/db/request-log/schema.ts";
import { EXAMPLE_STONE } from "../../../src/domain/diamond.ts";
import { fetchStatusLine } from "../../support/local-server.ts";
import { withLogDatabase } from "../../support/local-state.ts";
import { startScript, TRAIN_MEDIAN } from "../../support/run-script.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";
import { CSV_ROWS, writeStonesCsv } from "../../support/stones-csv.ts";

/** The tests change files, so they use a copy of the project without these. */
const NOT_COPIED: ReadonlySet<string> = new Set([
  ".facet",
  ".git",
  ".wrangler",
  "dist",
  "node_modules",
  "test",
]);
const RELOAD = { timeout: 60_000, interval: 200 };

const folder = createScratchFolder();
const project = join(folder.path, "project");
const state = join(project, ".wrangler/state");
let port: number;
let url: string;
let output = "";
let stopServer: () => Promise<void>;

beforeAll(async () => {
  cpSync(REPOSITORY_ROOT, project, { recursive: true, filter: (path) => !NOT_COPIED.has(basename(path)) });
  symlinkSync(join(REPOSITORY_ROOT, "node_modules"), join(project, "node_modules"));
  port = await findFreePort();
  url = `http://localhost:${port}`;
  // No settings of the person who runs the test.
  const environment = { PATH: process.env.PATH, HOME: folder.path, XDG_CONFIG_HOME: folder.path };
  const server = spawn(process.execPath, [WRANGLER, "dev", "--port", String(port)], {
    cwd: project,
    env: environment,
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const exited = once(server, "exit");
  stopServer = async () => {
    if (server.pid !== undefined && server.exitCode === null && server.signalCode === null)
      process.kill(-server.pid, "SIGKILL");
    await exited;
  };
  for (const stream of [server.stdout, server.stderr])
    stream.on("data", (chunk) => {
      output += chunk;
    });
  await vi.waitUntil(() => output.includes(`Ready on ${url}`) || server.exitCode !== null, RELOAD);
  expect(output).toContain(`Ready on ${url}`);
});

afterAll(async () => {
  await stopServer();
  folder.remove();
});

async function predictPrice(): Promise<{ status: number; detail?: string; price?: number }> {
  const response = await fetch(`${url}/v1/predictions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(EXAMPLE_STONE),
  });
  return { status: response.status, ...((await response.json()) as object) };
}

const fetchText = async (path: string) => (await fetch(`${url}${path}`)).text();

function replaceInFile(file: string, text: string, replacement: string): void {
  const path = join(project, file);
  const content = readFileSync(path, "utf8");
  expect(content).toContain(text);
  writeFileSync(path, content.replaceAll(text, replacement));
}

test("npm run dev is wrangler dev", () => {
  const { scripts } = JSON.parse(readFileSync(join(REPOSITORY_ROOT, "package.json"), "utf8"));
  expect(scripts.dev).toBe("wrangler dev");
});

test("without a model, the answer and the terminal say how to train", async () => {
  const { status, detail } = await predictPrice();
  expect(status).toBe(503);
  expect(detail).toBe("No model has been published yet. Run the training (npm run train), then try again.");
  await expect.poll(() => output).toContain(detail);
});

test("it answers only at the names of this machine, and has no explorer", async () => {
  expect(await fetchStatusLine(port, "/health", "facet.example")).toContain("421");
  expect((await fetch(`${url}/cdn-cgi/explorer`)).status).toBe(404);
});

test("after a training it prices without a key", async () => {
  const data = writeStonesCsv(folder.path, "stones.csv", CSV_ROWS.slice(0, 3_000));
  const training = await startScript(["--state", state, "--data", data], TRAIN_MEDIAN).finished;
  expect(training.code, training.output).toBe(0);
  await expect.poll(async () => (await predictPrice()).status, RELOAD).toBe(200);
  expect((await predictPrice()).price).toBeGreaterThan(0);
});

test("a change of the Worker is served", async () => {
  expect(await fetchText("/nowhere")).toContain("There is nothing at /nowhere");
  replaceInFile("src/middleware/error-handler.ts", "There is nothing at", "There was nothing at");
  await expect.poll(() => fetchText("/nowhere"), RELOAD).toContain("There was nothing at /nowhere");
});

test("a change of a page is served", async () => {
  expect(await fetchText("/")).toContain("<title>Price a stone");
  replaceInFile("web/index.html", "<title>Price a stone", "<title>Price two stones");
  await expect.poll(() => fetchText("/"), RELOAD).toContain("<title>Price two stones");
});

test("the requests are in the log", async () => {
  await stopServer();
  const rows = await withLogDatabase(state, (db) => db.select().from(logSchema.requests));
  expect(rows.map(({ status }) => status)).toEqual(expect.arrayContaining([200, 404]));
});
