/**
 * The page /docs in a real browser. It works under its content security policy and loads no foreign files.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { prepareState, startServer } from "../../bench/server/local-server.ts";
import type { DevServer } from "../../cloudflare/dev-server.ts";
import { launchBrowser } from "../../scripts/browser.ts";
import { startScript, TRAIN_MEDIAN } from "../support/run-script.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";
import { EMBEDDED_CSV } from "../support/stones-csv.ts";

const folder = createScratchFolder();
const state = join(folder.path, "state");
let server: DevServer;
let browser: Browser;
let page: Page;
/** Errors in the console, and requests to other servers. */
let problems: string[];

beforeAll(async () => {
  const stones = join(folder.path, "stones.csv");
  writeFileSync(stones, readFileSync(EMBEDDED_CSV, "utf8").split("\n").slice(0, 400).join("\n"));
  await prepareState(state, { champion: false });
  const trained = await startScript(["--state", state, "--data", stones], TRAIN_MEDIAN).finished;
  expect(trained.code, trained.output).toBe(0);
  server = await startServer(state, { vars: { ACCESS: "open" } });
  browser = await launchBrowser();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  folder.remove();
});

beforeEach(async () => {
  problems = [];
  page = await browser.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(server.url))
      problems.push(request.url());
  });
});

test("shows every operation and violates no rule of the content security policy", async () => {
  await page.goto(`${server.url}/docs`);
  await page.locator(".opblock").first().waitFor();
  const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: object };
  const operations = Object.values(paths).flatMap((path) => Object.keys(path as object));
  expect(await page.locator(".opblock").count()).toBe(operations.length);
  expect(await page.locator(".info .title").textContent()).toContain("Facet");
  expect(problems).toEqual([]);
});

test('"Execute" sends the example request and shows the price', async () => {
  await page.goto(`${server.url}/docs`);
  const operation = page.locator(".opblock", { hasText: "Price a diamond" });
  await operation.locator(".opblock-summary-control").click();
  await operation.getByRole("button", { name: "Execute" }).click();
  const response = operation.locator(".live-responses-table");
  await response.waitFor();
  expect(await response.locator(".response-col_status").last().textContent()).toContain("200");
  expect(await response.locator(".highlight-code").first().textContent()).toMatch(/"price":\s*\d+/);
  expect(problems).toEqual([]);
});

test("links to the OpenAPI document if scripts are disabled", async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const pageWithoutScripts = await context.newPage();
  await pageWithoutScripts.goto(`${server.url}/docs`);
  await pageWithoutScripts.getByRole("link", { name: "/openapi.json" }).click();
  expect(pageWithoutScripts.url()).toBe(`${server.url}/openapi.json`);
  await context.close();
});
