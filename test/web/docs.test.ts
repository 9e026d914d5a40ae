/**
 * The page /docs in a real browser. It works under its content security policy and loads no foreign files.
 */
import { expect, test } from "vitest";
import { createWebTest } from "./support/web-test.ts";

const web = createWebTest();

test("shows every operation and violates no rule of the content security policy", async () => {
  await web.page.goto(`${web.url}/docs`);
  await web.page.locator(".opblock").first().waitFor();
  const { paths } = (await (await fetch(`${web.url}/openapi.json`)).json()) as { paths: object };
  const operations = Object.values(paths).flatMap((path) => Object.keys(path as object));
  expect(await web.page.locator(".opblock").count()).toBe(operations.length);
  expect(await web.page.locator(".info .title").textContent()).toContain("Facet");
  expect(web.problems).toEqual([]);
});

test('"Execute" sends the example request and shows the price', async () => {
  await web.page.goto(`${web.url}/docs`);
  const operation = web.page.locator(".opblock", { hasText: "Price a diamond" });
  await operation.locator(".opblock-summary-control").click();
  await operation.getByRole("button", { name: "Execute" }).click();
  const response = operation.locator(".live-responses-table");
  await response.waitFor();
  expect(await response.locator(".response-col_status").last().textContent()).toContain("200");
  expect(await response.locator(".highlight-code").first().textContent()).toMatch(/"price":\s*\d+/);
  expect(web.problems).toEqual([]);
});

test("links to the OpenAPI document if scripts are disabled", async () => {
  await web.openPage({ javaScriptEnabled: false });
  await web.page.goto(`${web.url}/docs`);
  await web.page.getByRole("link", { name: "/openapi.json" }).click();
  expect(web.page.url()).toBe(`${web.url}/openapi.json`);
});
