/**
 * The page /docs in a real browser. It works under its content security policy and loads no foreign files.
 */
import { describe, expect, test } from "vitest";
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

describe("the examples of an operation", () => {
  /** Opens an operation and returns its examples. */
  async function openExamples(summary: string) {
    await web.page.goto(`${web.url}/docs`);
    const operation = web.page.locator(".opblock", { hasText: summary });
    await operation.locator(".opblock-summary-control").click();
    const examples = operation.getByRole("region", { name: "Examples" });
    await examples.waitFor();
    return examples;
  }

  test("are in three languages, with the address of this server", async () => {
    const examples = await openExamples("Price a diamond");
    const code = examples.locator("code");
    expect(await examples.getByRole("tab").allTextContents()).toEqual(["curl", "TypeScript", "Python"]);
    for (const [language, text] of [
      ["curl", "curl -s"],
      ["TypeScript", 'from "facet-client"'],
      ["Python", "import urllib.request"],
    ] as const) {
      await examples.getByRole("tab", { name: language }).click();
      expect(await code.textContent()).toContain(text);
      expect(await code.textContent()).toContain(web.url);
    }
    expect(web.problems).toEqual([]);
  });

  test("are chosen with the keyboard, and the choice counts for the next operation", async () => {
    const examples = await openExamples("Price a diamond");
    const selected = examples.getByRole("tab", { selected: true });
    await selected.focus();
    for (const [key, language] of [
      ["ArrowRight", "TypeScript"],
      ["End", "Python"],
      ["ArrowRight", "curl"],
      ["ArrowLeft", "Python"],
    ] as const) {
      await web.page.keyboard.press(key);
      expect(await selected.textContent()).toBe(language);
      expect(await web.page.evaluate("document.activeElement.textContent")).toBe(language);
    }
    await web.page.keyboard.press("Tab");
    expect(await web.page.evaluate("document.activeElement.ariaLabel")).toBe("Python example");
    const others = await openExamples("List the models");
    expect(await others.getByRole("tab", { selected: true }).textContent()).toBe("Python");
  });

  test("are copied by a button, which also works with the keyboard", async () => {
    await web.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const examples = await openExamples("Report the sale price");
    await examples.getByRole("button", { name: "Copy" }).press("Enter");
    await examples.getByRole("status").getByText("Copied").waitFor();
    const copied = await web.page.evaluate("navigator.clipboard.readText()");
    expect(copied).toBe(await examples.locator("code").textContent());
    expect(copied).toContain("# Id of the prediction");
  });
});

describe("axe-core finds", () => {
  test("nothing in the closed page, and nothing in the examples of an open operation", async () => {
    await web.openPage({ bypassCSP: true });
    await web.page.goto(`${web.url}/docs`);
    await web.page.locator(".opblock").first().waitFor();
    expect(await web.findAxeViolations()).toEqual([]);
    const operation = web.page.locator(".opblock", { hasText: "Price a diamond" });
    await operation.locator(".opblock-summary-control").click();
    await operation.getByRole("tab").first().waitFor();
    // Swagger UI's own fields have no labels.
    const violations = (await web.findAxeViolations()).map(([rule]) => rule);
    expect(violations.sort()).toEqual(["label", "scrollable-region-focusable", "select-name"]);
    const inExamples = await web.page.evaluate(
      "axe.run('.code-samples').then(({ violations }) => violations.map(({ id }) => id))",
    );
    expect(inExamples).toEqual([]);
  });
});
