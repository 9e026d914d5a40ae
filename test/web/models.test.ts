/** The page /models in a real browser: it compares the versions and moves the champion. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { startServer, trainModels } from "../../bench/server/local-server.ts";
import { createKey } from "../../training/registry/keys.ts";
import { createWebTest, SCREENS } from "./support/web-test.ts";

/** The second run has another split, so another test error. The first champion stays. */
const web = createWebTest((state) =>
  trainModels(state, ["--force-train", "--seed", "7", "--promote", "never"]),
);
let adminKey: string;
let predictKey: string;

beforeAll(async () => {
  const target = { kind: "local", state: web.state } as const;
  adminKey = await createKey(target, { name: "marta", scopes: ["admin"], expiresAt: null });
  predictKey = await createKey(target, { name: "shop", scopes: ["predict"], expiresAt: null });
});

async function open(): Promise<void> {
  await web.page.goto(`${web.url}/models`);
  await web.page.getByRole("heading", { name: "Newest versions" }).waitFor();
}

/** The element, which is gone only when its close event was handled; its role is gone as soon as it is hidden. */
const dialog = () => web.page.locator("dialog");
const button = (name: string) => web.page.getByRole("button", { name, exact: true });

async function useKey(key: string): Promise<void> {
  await dialog().getByLabel("Key").fill(key);
  await dialog().getByRole("button", { name: "Use this key" }).click();
}

async function readChampion(): Promise<{ name: string; version: number; history: { actor: string }[] }> {
  return (await fetch(`${web.url}/v1/aliases/champion`)).json();
}

async function promote(model: string): Promise<void> {
  const response = await fetch(`${web.url}/v1/aliases/champion`, {
    method: "PUT",
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
    body: JSON.stringify({ model, reason: "a test starts" }),
  });
  expect(response.status).toBe(200);
}

test("the chart has a line for each model and a ring around the champion", async () => {
  await open();
  await web.page.locator(".plot svg").waitFor();
  const titles = await web.page.locator(".plot title").allTextContents();
  expect(titles.filter((title) => /^gradient-boosting@[12]: \$\d+$/.test(title))).toHaveLength(2);
  expect(titles).toHaveLength(6);
  await web.page.locator(".plot").getByText("champion", { exact: true }).waitFor();
  const ring = web.page.locator('.plot circle[r="8"]');
  const champion = web.page.locator(".plot circle", { hasText: "gradient-boosting@1:" });
  for (const position of ["cx", "cy"])
    expect(await ring.getAttribute(position)).toBe(await champion.getAttribute(position));
  expect(web.problems).toEqual([]);
});

test("the page makes each call once", async () => {
  const calls: string[] = [];
  web.page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith("/v1/")) calls.push(pathname);
  });
  await open();
  expect(calls.sort()).toEqual([
    "/v1/aliases/champion",
    "/v1/models",
    "/v1/models/gradient-boosting",
    "/v1/models/gradient-boosting-notebook",
    "/v1/models/log-linear",
  ]);
});

test("the table has all versions, and a version has its training and its card", async () => {
  await open();
  expect(await web.page.locator(".versions tbody tr").count()).toBe(6);
  const { metrics } = await (await fetch(`${web.url}/v1/models/log-linear/versions/2`)).json();
  const row = web.page.locator(".versions tr", { hasText: "log-linear@2" });
  expect(await row.textContent()).toContain(`$${Math.round(metrics.mae)}`);
  await button("log-linear@2").click();
  await dialog().getByText("It was never in service.").waitFor();
  await dialog()
    .getByText(`on ${metrics.rows.toLocaleString("en-US")} stones`)
    .waitFor();
  const [card] = await Promise.all([
    web.page.context().waitForEvent("page"),
    dialog().getByRole("link", { name: "Model card with plots" }).click(),
  ]);
  await card
    .getByRole("heading", { name: /log-linear/ })
    .first()
    .waitFor();
  await web.page.keyboard.press("Escape");
  await dialog().waitFor({ state: "detached" });
  await button("gradient-boosting@1").click();
  await dialog()
    .getByText(/^champion, .* to now, by local: first champion/)
    .waitFor();
  expect(web.problems).toEqual([]);
});

test("two versions are compared on the same figures by weight", async () => {
  await open();
  await web.page.getByLabel("Version", { exact: true }).selectOption("gradient-boosting@1");
  await web.page.getByLabel("Compared with").selectOption("log-linear@1");
  const rows = await web.page.locator(".figures tbody tr").allInnerTexts();
  expect(rows.map((row) => row.split("\t")[0])).toEqual([
    "All stones",
    "0-0.5 ct",
    "0.5-1 ct",
    "1-1.5 ct",
    "1.5-2 ct",
    "2+ ct",
  ]);
  const { metrics } = await (await fetch(`${web.url}/v1/models/log-linear/versions/1`)).json();
  expect(rows[5]).toContain(`$${Math.round(metrics.bands["2+"].mae).toLocaleString("en-US")}`);
  // The boosted trees are better in all three figures of all six rows, and the better figure is bold.
  for (const column of [2, 5, 7])
    expect(await web.page.locator(`.figures tbody td:nth-of-type(${column}) strong`).count()).toBe(6);
  expect(await web.page.locator(".figures tbody strong").count()).toBe(18);
});

describe("the champion", () => {
  test("is promoted and rolled back with a reason, by keyboard only", async () => {
    await promote("gradient-boosting@1");
    await open();
    const { page } = web;
    await button("Promote log-linear@1").focus();
    await page.keyboard.press("Enter");
    await dialog().getByText("It replaces gradient-boosting@1").waitFor();
    await dialog().locator(".figures").waitFor();
    await dialog().getByLabel("Reason").focus();
    await page.keyboard.type("try a simple one");
    await page.keyboard.press("Enter");
    await dialog().getByText("Moving the champion needs a key with the scope admin.").waitFor();
    await dialog().getByLabel("Key").focus();
    await page.keyboard.type(adminKey);
    await page.keyboard.press("Enter");
    await page.getByText("log-linear version 1 is the champion.").waitFor();
    await page.getByRole("heading", { name: "In service: log-linear@1" }).waitFor();
    expect(await readChampion()).toMatchObject({
      name: "log-linear",
      history: expect.arrayContaining([
        expect.objectContaining({ actor: "marta", reason: "try a simple one" }),
      ]),
    });

    const back = page.getByRole("button", { name: "Roll back to gradient-boosting@1" }).first();
    await back.focus();
    await page.keyboard.press("Enter");
    await dialog().getByRole("heading", { name: "Roll back to gradient-boosting@1" }).waitFor();
    await page.keyboard.press("Escape");
    await dialog().waitFor({ state: "detached" });
    // The focus returns to where it was.
    expect(await page.locator(":focus").textContent()).toBe("Roll back to gradient-boosting@1");
    await page.keyboard.press("Enter");
    await dialog().getByLabel("Reason").fill("the simple one is worse");
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "In service: gradient-boosting@1" }).waitFor();
    expect(await readChampion()).toMatchObject({ name: "gradient-boosting", version: 1 });
  });

  test("is not moved without a reason, or with a key that may not", async () => {
    await promote("gradient-boosting@1");
    await open();
    await button("Promote log-linear@2").click();
    await dialog().getByRole("button", { name: "Promote" }).click();
    await dialog().getByText("Enter a reason:").waitFor();
    await dialog().getByLabel("Reason").fill("try it");
    await dialog().getByRole("button", { name: "Promote" }).click();
    await useKey(predictKey);
    await dialog().getByText("The key was refused:").waitFor();
    expect(await readChampion()).toMatchObject({ name: "gradient-boosting", version: 1 });
    // The key can be forgotten.
    await dialog().getByRole("button", { name: "Close" }).click();
    await button("Forget key").click();
    await button("Forget key").waitFor({ state: "detached" });
    expect(await web.page.evaluate("sessionStorage.length")).toBe(0);
  });

  test("is not moved if somebody else moved it meanwhile", async () => {
    await promote("gradient-boosting@1");
    await open();
    await button("Promote log-linear@2").click();
    await dialog().getByLabel("Reason").fill("try it");
    await promote("gradient-boosting@2");
    await dialog().getByRole("button", { name: "Promote" }).click();
    await useKey(adminKey);
    await dialog().getByText("Somebody else has moved the champion").waitFor();
    expect(await readChampion()).toMatchObject({ name: "gradient-boosting", version: 2 });
    await dialog().getByRole("button", { name: "Show the champion of now" }).click();
    await dialog().getByText("It replaces gradient-boosting@2").waitFor();
    await dialog().getByRole("button", { name: "Promote" }).click();
    await web.page.getByRole("heading", { name: "In service: log-linear@2" }).waitFor();
  });
});

test("a server that needs a key asks for it, and the card can be downloaded with it", async () => {
  const keyed = await startServer(web.state, { vars: { ACCESS: "keys", RATE_LIMITS: "off" } });
  try {
    await web.page.goto(`${keyed.url}/models`);
    await web.page.getByLabel("Key").fill(predictKey);
    await button("Use this key").click();
    await button("log-linear@1").click();
    const [file] = await Promise.all([
      web.page.waitForEvent("download"),
      dialog().getByRole("button", { name: "Download the model card" }).click(),
    ]);
    expect(file.suggestedFilename()).toBe("log-linear-1.html");
    expect(readFileSync(await file.path(), "utf8")).toContain("log-linear");
  } finally {
    await keyed.stop();
  }
});

test("a server without models says how to train them; one that fails says so and can be asked again", async () => {
  await web.page.route("**/v1/models", (route) => route.fulfill({ json: { models: [], aliases: {} } }));
  await web.page.goto(`${web.url}/models`);
  await web.page.getByText("No model is trained yet.").waitFor();
  await web.page.unroute("**/v1/models");
  await web.page.route("**/v1/models", (route) => route.abort());
  await web.page.reload();
  await web.page.getByText("Facet cannot be reached. Check your connection.").waitFor();
  await web.page.unroute("**/v1/models");
  await button("Try again").click();
  await web.page.getByRole("heading", { name: "Newest versions" }).waitFor();
});

test.each(SCREENS)(
  "the page and its dialogs have no axe violation in %s mode at %i px, and no sideways scrolling",
  async (colorScheme, width) => {
    await web.openPage({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true });
    await open();
    await web.page.locator(".plot svg").waitFor();
    expect(await web.findAxeViolations()).toEqual([]);
    expect(await web.page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
    await button("log-linear@1").click();
    await dialog().getByText("Rejected rows").waitFor();
    expect(await web.findAxeViolations()).toEqual([]);
    await web.page.keyboard.press("Escape");
    await button("Promote gradient-boosting-notebook@1").click();
    await dialog().getByRole("button", { name: "Promote" }).click();
    await dialog().getByText("Enter a reason:").waitFor();
    expect(await web.findAxeViolations()).toEqual([]);
  },
);
