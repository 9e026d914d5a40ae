/** The API's own page in a real browser, under its own policy, with nothing from elsewhere. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type LocalServer, prepare, serve } from "../../bench/server/local-server.ts";
import { EMBEDDED, scratchFolder, startTrainer } from "../system/trainer.ts";
import { launch } from "./browser.ts";

const folder = scratchFolder();
const state = join(folder.path, "state");
let server: LocalServer;
let browser: Browser;
let page: Page;
/** What a visitor does not see: errors of the console, and requests that leave this server. */
let faults: string[];

beforeAll(async () => {
  const stones = join(folder.path, "stones.csv");
  writeFileSync(stones, readFileSync(EMBEDDED, "utf8").split("\n").slice(0, 400).join("\n"));
  await prepare(state, { champion: false });
  const trained = await startTrainer(["--state", state, "--data", stones], "test/system/train-median.ts")
    .finished;
  expect(trained.code, trained.output).toBe(0);
  server = await serve(state, { vars: ["ACCESS:open"] });
  browser = await launch();
});
afterAll(async () => {
  await browser?.close();
  await server?.stop();
  folder.remove();
});

beforeEach(async () => {
  faults = [];
  page = await browser.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(server.url))
      faults.push(request.url());
  });
});

test("shows every operation, and breaks no rule of its policy", async () => {
  await page.goto(`${server.url}/docs`);
  await page.locator(".opblock").first().waitFor();
  const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as { paths: object };
  const operations = Object.values(paths).flatMap((methods) => Object.keys(methods as object));
  expect(await page.locator(".opblock").count()).toBe(operations.length);
  expect(await page.locator(".info .title").textContent()).toContain("Facet");
  expect(faults).toEqual([]);
});

test("prices a stone for who tries it", async () => {
  await page.goto(`${server.url}/docs`);
  const operation = page.locator(".opblock", { hasText: "Price a diamond" });
  await operation.locator(".opblock-summary-control").click();
  await operation.getByRole("button", { name: "Execute" }).click();
  const answer = operation.locator(".live-responses-table");
  await answer.waitFor();
  expect(await answer.locator(".response-col_status").last().textContent()).toContain("200");
  expect(await answer.locator(".highlight-code").first().textContent()).toMatch(/"price":\s*\d+/);
  expect(faults).toEqual([]);
});

test("without scripts it names the document", async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const plain = await context.newPage();
  await plain.goto(`${server.url}/docs`);
  await plain.getByRole("link", { name: "/openapi.json" }).click();
  expect(plain.url()).toBe(`${server.url}/openapi.json`);
  await context.close();
});
