/** The page /service in a real browser: figures, model versions, the request log and what can be done with it. */
import { readFileSync } from "node:fs";
import type { Locator } from "playwright-core";
import { beforeAll, describe, expect, test } from "vitest";
import { createKey } from "../../training/registry/keys.ts";
import { createWebTest } from "./support/web-test.ts";

const STONE = { carat: 1.1, cut: "Ideal", color: "H", clarity: "SI2" };
const web = createWebTest();
let key: string;

beforeAll(async () => {
  key = await createOwnKey("operator", "admin");
});

function createOwnKey(name: string, scope: "admin" | "predict"): Promise<string> {
  return createKey({ kind: "local", state: web.state }, { name, scopes: [scope], expiresAt: null });
}

const button = (name: string, within: Pick<Locator, "getByRole"> = web.page) =>
  within.getByRole("button", { name, exact: true });
const heading = (name: string) => web.page.getByRole("heading", { name, exact: true });
const figure = (title: string) => web.page.locator("figure", { has: heading(title) });
const rows = () => web.page.locator("table.log tbody tr");
const withPath = (text: string) => rows().filter({ hasText: text }).first();
const statuses = (status: string) => rows().locator("td:nth-child(3)").getByText(status, { exact: true });
const dialog = () => web.page.getByRole("dialog");
const errorOf = (label: RegExp) =>
  web.page.locator(".field", { has: web.page.getByLabel(label) }).locator(".error");
const fill = (label: RegExp, text: string) => web.page.getByLabel(label).fill(text);

async function enterKey(text: string): Promise<void> {
  await web.page.getByLabel("Key", { exact: true }).fill(text);
  await button("Use this key").click();
}

async function open(): Promise<void> {
  await web.page.goto(`${web.url}/service`);
  await enterKey(key);
  await heading("Request log").waitFor();
  await rows().first().waitFor();
}

const readAsOperator = (path: string) =>
  fetch(web.url + path, { headers: { authorization: `Bearer ${key}` } });

/** Makes requests and waits until the log has them: reading one waits for its write. */
async function log(requests: readonly { path: string; body?: object }[]): Promise<string[]> {
  const ids = await Promise.all(
    requests.map(async ({ path, body }) => {
      const response = await fetch(web.url + path, {
        ...(body && { method: "POST", body: JSON.stringify(body) }),
        headers: { "content-type": "application/json" },
      });
      await response.arrayBuffer();
      return response.headers.get("x-request-id") ?? "";
    }),
  );
  for (const id of ids) expect((await readAsOperator(`/v1/requests/${id}`)).status).toBe(200);
  return ids;
}

const logPrediction = async (stone: object = STONE) =>
  (await log([{ path: "/v1/predictions", body: stone }]))[0] ?? "";

async function openRequest(id: string): Promise<void> {
  await fill(/^Find a request/, id);
  await button("Open").click();
  await dialog().getByText(id, { exact: true }).waitFor();
}

/** Counts the requests of the log, as the cron trigger does. */
async function runScheduledJobs(): Promise<void> {
  const response = await fetch(`${web.url}/cdn-cgi/handler/scheduled`);
  expect(await response.text()).toBe("ok");
}

/** The browser prints every answer that is not a success. */
const unexpectedProblems = (...statuses: number[]) =>
  web.problems.filter((text) => !statuses.some((status) => text.includes(`status of ${status} `)));

const scrollsSideways = (element: "html" | "dialog") =>
  web.page.evaluate(
    `(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth)(document.querySelector("${element}"))`,
  );

describe("the key", () => {
  test("is asked for before any call, and forgotten with everything it has shown", async () => {
    const calls: string[] = [];
    web.page.on("request", (request) => {
      if (request.url().includes("/v1/")) calls.push(request.url());
    });
    await web.page.goto(`${web.url}/service`);
    await web.page.getByText("enter a key with the scope admin").waitFor();
    await web.page.getByText("the file admin-key in its state folder").waitFor();
    expect(calls).toEqual([]);
    await enterKey(key);
    await rows().first().waitFor();
    expect(calls.join()).not.toContain(key);
    expect(web.page.url()).toBe(`${web.url}/service`);
    await button("Forget key").click();
    await web.page.getByText("enter a key with the scope admin").waitFor();
    expect(await web.page.locator("h2, table, figure").count()).toBe(0);
    expect(web.problems).toEqual([]);
  });

  test("is refused if it is unknown or lacks the scope, and nothing else is shown", async () => {
    await web.page.goto(`${web.url}/service`);
    await enterKey("facet_wrongwrongwrongwrong");
    await web.page.getByText("The key was refused:").waitFor();
    await enterKey(await createOwnKey("shop", "predict"));
    await web.page.getByText("The key shop does not have the scope admin").waitFor();
    expect(await web.page.locator("h2, table, figure").count()).toBe(0);
    await enterKey(key);
    await rows().first().waitFor();
    expect(unexpectedProblems(401, 403)).toEqual([]);
  });
});

describe("the figures", () => {
  test("say when nothing is counted; then they have charts, and a sale adds the live error", async () => {
    await open();
    await web.page.getByText("Nothing is counted yet.").waitFor();
    expect(await web.page.locator("figure, article").count()).toBe(0);

    const id = await logPrediction();
    await logPrediction({ ...STONE, cut: "Superb" });
    await runScheduledJobs();
    await button("Refresh the figures").click();
    await figure("Latency").locator("svg[role=img]").waitFor();
    const counted = (await (await readAsOperator("/v1/monitoring")).json()) as { requests: number };
    expect(counted.requests).toBeGreaterThanOrEqual(2);
    expect(await figure("Requests").locator(".large").textContent()).toBe(String(counted.requests));
    expect(await figure("Errors").textContent()).toMatch(
      /0%failed \(5xx\); [1-9][\d.]*% were refused \(4xx\)/,
    );
    // The names of the lines, not only their colours, tell them apart.
    expect(await figure("Errors").locator("svg").textContent()).toMatch(/5xx4xx|5xx.*4xx/);
    expect(await figure("Live error").textContent()).toContain("No sale price was reported in this window.");
    expect(await figure("Live error").locator("svg").count()).toBe(0);

    await log([{ path: `/v1/predictions/${id}/outcome`, body: { price: 4000 } }]);
    await runScheduledJobs();
    await button("Refresh the figures").click();
    await figure("Live error").locator("svg[role=img]").waitFor();
    expect(await figure("Live error").textContent()).toMatch(/\$[\d,]+mean distance from 1 sale price; \$/);

    const version = web.page.getByRole("article", { name: "gradient-boosting@1" });
    expect(await version.textContent()).toMatch(/Live error\$[\d,]+1 sale price.*Test error\$[\d,]+/);
    const drift = await version.locator(".drift li").allTextContents();
    expect(drift).toHaveLength(10);
    expect(drift[0]).toMatch(/^carat[\d.]+– not enough data1 stone$/);

    await web.page.getByText("Traffic by endpoint").click();
    const route = web.page.getByRole("row", { name: /^\/v1\/predictions 2 / });
    expect(await route.locator("td").allTextContents()).toEqual([
      "2",
      "0%",
      "50%",
      expect.stringMatching(/^[\d.,]+ ms$/),
      expect.stringMatching(/^[\d.,]+ ms$/),
    ]);
    expect(web.problems).toEqual([]);
  });

  test("are those of the chosen window, and stay when they cannot be read again", async () => {
    await logPrediction();
    await runScheduledJobs();
    await open();
    await figure("Requests").getByText("Last 24 hours, per hour").waitFor();
    await web.page.getByLabel("24 hours").focus();
    await web.page.keyboard.press("ArrowRight");
    await figure("Requests").getByText("Last 7 days, per 6 hours").waitFor();
    await web.page.keyboard.press("ArrowRight");
    await figure("Requests").getByText("Last 30 days, per day (UTC)").waitFor();

    await web.page.route("**/v1/monitoring?*", (route) => route.abort());
    await button("Refresh the figures").click();
    await web.page.getByText("Not up to date: Facet cannot be reached.").waitFor();
    expect(await figure("Requests").locator(".large").textContent()).toMatch(/^\d+$/);
    await web.page.unroute("**/v1/monitoring?*");
    await button("Try again").click();
    await web.page.getByText("Not up to date").waitFor({ state: "detached" });
  });
});

describe("the log", () => {
  test("has the newest request first, can be filtered, and is downloaded as it is filtered", async () => {
    await logPrediction();
    const refused = await logPrediction({ ...STONE, cut: "Superb" });
    await open();
    await rows()
      .filter({ hasText: /POST \/v1\/predictions\s*200.*gradient-boosting@1.*\$/ })
      .first()
      .waitFor();
    await fill(/^Status/, "422");
    await web.page.getByLabel("Route").selectOption("/v1/predictions");
    await button("Search").click();
    await statuses("200").first().waitFor({ state: "detached" });
    const count = await rows().count();
    expect(await statuses("422").count()).toBe(count);

    const [file] = await Promise.all([web.page.waitForEvent("download"), button("Download as CSV").click()]);
    const [header, first, ...others] = readFileSync(await file.path(), "utf8")
      .trim()
      .split(/\r?\n/);
    expect(header).toMatch(/^id,at,/);
    expect(first).toContain(refused);
    expect(others).toHaveLength(count - 1);

    await button("Clear the filters").click();
    await statuses("200").first().waitFor();
    expect(web.problems).toEqual([]);
  });

  test("is limited to a time in the time zone of the browser", async () => {
    await logPrediction();
    await web.openPage({ timezoneId: "Asia/Kolkata" });
    await open();
    // An hour ago in Kolkata, which is a time in the future if it is read as UTC.
    const local = new Date(Date.now() + 4.5 * 3_600_000).toISOString().slice(0, 16);
    await fill(/^Until/, local);
    await button("Search").click();
    await web.page.getByText("No request in the log matches these filters.").waitFor();
    await fill(/^Since/, local);
    await fill(/^Until/, "");
    await button("Search").click();
    await withPath("POST /v1/predictions").waitFor();
    expect(web.problems).toEqual([]);
  });

  test("says beside a filter what is wrong with it, and keeps its rows", async () => {
    await open();
    const before = await rows().count();
    await fill(/^Status/, "broken");
    await fill(/^Duration/, "soon");
    await button("Search").click();
    await errorOf(/^Status/)
      .getByText("status must be a status code such as 404")
      .waitFor();
    await errorOf(/^Duration/)
      .getByText("minDuration must be a number of milliseconds")
      .waitFor();
    await web.page.getByText("The filters were not used").waitFor();
    expect(await web.page.getByLabel(/^Status/).getAttribute("aria-invalid")).toBe("true");
    expect(await rows().count()).toBe(before);
    expect(unexpectedProblems(422)).toEqual([]);
  });

  test("is read page by page", async () => {
    await log(Array.from({ length: 60 }, (_, i) => ({ path: `/v1/paging/${i}` })));
    await open();
    await fill(/^Path/, "/v1/paging/");
    await button("Search").click();
    await withPath("/v1/predictions").waitFor({ state: "detached" });
    await web.page.getByText("50 requests shown").waitFor();
    await button("Older requests").click();
    await web.page.getByText("60 requests shown").waitFor();
    await web.page.getByText("This is the end of the list.").waitFor();
    expect(new Set(await rows().locator("td:nth-child(2)").allTextContents()).size).toBe(60);
    await button("Refresh the log").click();
    await web.page.getByText("50 requests shown").waitFor();
    expect(web.problems).toEqual([]);
  });

  test("says that a page is short, or that there is nothing", async () => {
    const empty = { requests: [], next: "before-019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90" };
    await open();
    await web.page.route("**/v1/requests?*", (route) => {
      const isFirst = !route.request().url().includes("next=");
      return route.fulfill({ json: isFirst ? empty : { requests: [], next: null } });
    });
    await button("Refresh the log").click();
    await web.page.getByText("No request matches so far.").waitFor();
    await button("Older requests").click();
    await web.page.getByText("The log is empty.").waitFor();
    expect(await web.page.locator("table.log").count()).toBe(0);
  });
});

describe("a request", () => {
  test("is shown with its bodies, and a sale of it is recorded", async () => {
    const id = await logPrediction();
    await open();
    await openRequest(id);
    const bodies = dialog().locator("pre");
    expect(JSON.parse((await bodies.first().textContent()) ?? "")).toEqual(STONE);
    expect(await bodies.last().textContent()).toContain(`"id": "${id}"`);
    await dialog().getByText("No sale price is recorded.").waitFor();

    await fill(/^Sale price/, "-5");
    await button("Record the sale").click();
    await errorOf(/^Sale price/)
      .getByText("price must be")
      .waitFor();
    await fill(/^Sale price/, "4,700");
    await fill(/^Date sold/, "2026-05-04");
    await button("Record the sale").click();
    await dialog()
      .getByText(/^Recorded: sold for \$4,700\. .* inside the range from \$/)
      .waitFor();
    await dialog()
      .getByRole("row", { name: /^\$4,700 2026-05-04 .* operator$/ })
      .waitFor();
    await fill(/^Sale price/, "90000");
    await button("Record the sale").click();
    await dialog()
      .getByText(/ outside the range .* It replaces the earlier sale price of \$4,700\.$/)
      .waitFor();
    await dialog()
      .getByRole("row", { name: /^\$90,000 – / })
      .waitFor();
    expect(unexpectedProblems(422)).toEqual([]);
  });

  test("of many stones needs the position of the stone that was sold", async () => {
    const [id = ""] = await log([{ path: "/v1/predictions/batch", body: { diamonds: [STONE, STONE] } }]);
    await open();
    await openRequest(id);
    await fill(/^Sale price/, "4500");
    await button("Record the sale").click();
    await errorOf(/^Stone/)
      .getByText("index is required")
      .waitFor();
    await fill(/^Stone/, "1");
    await button("Record the sale").click();
    await dialog()
      .getByText(/^Recorded for stone 1: sold for \$4,500\./)
      .waitFor();
    await dialog()
      .getByRole("row", { name: /^1 \$4,500 / })
      .waitFor();
  });

  test("that is no successful prediction has no form for a sale", async () => {
    const id = await logPrediction({ ...STONE, cut: "Superb" });
    await open();
    await openRequest(id);
    await dialog().getByText('"title": "Validation failed"').waitFor();
    expect(await dialog().getByRole("button").allTextContents()).toEqual(["Close", "Erase this request"]);
  });

  test("can be erased with its sales, after it is said what is deleted", async () => {
    const id = await logPrediction();
    const [report = ""] = await log([{ path: `/v1/predictions/${id}/outcome`, body: { price: 4100 } }]);
    await open();
    await fill(/^Path/, "/v1/predictions");
    await button("Search").click();
    const row = rows().filter({ hasText: `/v1/predictions/${id}/outcome` });
    await row.waitFor();
    await withPath("GET /service").waitFor({ state: "detached" });
    const count = await rows().count();
    await openRequest(id);
    await button("Erase this request").click();
    await dialog()
      .getByText("This deletes its record, its request and response body, and 1 sale price")
      .waitFor();
    await button("Keep").click();
    expect((await readAsOperator(`/v1/requests/${id}`)).status).toBe(200);
    await button("Erase this request").click();
    await button("Erase").click();
    await dialog().getByText("Erased: its record in the log, 1 sale price.").waitFor();
    await button("Close").click();
    await dialog().waitFor({ state: "detached" });
    expect(await row.count()).toBe(0);
    expect(await rows().count()).toBe(count - 2);
    for (const erased of [id, report])
      expect((await readAsOperator(`/v1/requests/${erased}`)).status).toBe(404);
    expect(web.problems).toEqual([]);
  });

  test("that is not in the log yet can be looked for again", async () => {
    const id = await logPrediction();
    const unknown = `${id.slice(0, -4)}${id.endsWith("0000") ? "1111" : "0000"}`;
    await open();
    await fill(/^Find a request/, "my request");
    await button("Open").click();
    await errorOf(/^Find a request/)
      .getByText("An id has 36 characters")
      .waitFor();
    await fill(/^Find a request/, unknown);
    await button("Open").click();
    await dialog().getByText("It is new and can take a few seconds to appear.").waitFor();
    await web.page.route(`**/v1/requests/${unknown}`, (route) =>
      route.continue({ url: `${web.url}/v1/requests/${id}` }),
    );
    await button("Try again").click();
    await dialog().getByText(id, { exact: true }).waitFor();
    expect(unexpectedProblems(404)).toEqual([]);
  });

  test("is found, and its sale is recorded, with the keyboard alone", async () => {
    const id = await logPrediction();
    const { keyboard } = web.page;
    const focused = (script: string) => web.page.evaluate(`document.activeElement.${script}`);
    const focusOn = (text: string) => web.page.locator(":focus:is(button)", { hasText: text }).waitFor();
    const tabTo = async (text: string) => {
      for (let tabs = 0; tabs < 40; tabs++) {
        await keyboard.press("Tab");
        const label = await focused("labels?.[0]?.textContent ?? document.activeElement.textContent");
        if (String(label).startsWith(text)) return;
      }
      throw new Error(`${text} was not reached`);
    };
    await web.page.goto(`${web.url}/service`);
    await tabTo("Key");
    await keyboard.type(key);
    await keyboard.press("Enter");
    await withPath("POST /v1/predictions").waitFor();
    await tabTo("Path");
    await keyboard.type("/v1/predictions");
    await keyboard.press("Enter");
    await withPath("GET /service").waitFor({ state: "detached" });
    const newest = (await rows().first().locator("button").textContent()) ?? "";
    await tabTo(newest);
    await keyboard.press("Enter");
    await dialog().getByText(id, { exact: true }).waitFor();
    await tabTo("Sale price");
    expect(await focused("matches(':focus-visible')")).toBe(true);
    await keyboard.type("4700");
    await keyboard.press("Enter");
    await dialog().getByText("Recorded: sold for $4,700.").waitFor();
    await tabTo("Erase this request");
    await keyboard.press("Enter");
    await focusOn("Keep");
    await keyboard.press("Enter");
    await focusOn("Erase this request");
    await keyboard.press("Escape");
    await dialog().waitFor({ state: "detached" });
    await focusOn(newest);
    expect(web.problems).toEqual([]);
  });
});

test.each([
  ["light", 1280],
  ["light", 360],
  ["dark", 1280],
  ["dark", 360],
] as const)(
  "the page and the dialog have no axe violation in %s mode at %i px, and no sideways scrolling",
  async (colorScheme, width) => {
    const id = await logPrediction();
    await log([{ path: `/v1/predictions/${id}/outcome`, body: { price: 4700 } }]);
    await runScheduledJobs();
    await web.openPage({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true });
    await web.page.goto(`${web.url}/service`);
    expect(await web.findAxeViolations()).toEqual([]);
    await enterKey(key);
    await figure("Live error").locator("svg[role=img]").waitFor();
    await rows().first().waitFor();
    await web.page.getByText("Traffic by endpoint").click();
    await fill(/^Status/, "broken");
    await button("Search").click();
    await errorOf(/^Status/)
      .getByText("status must be")
      .waitFor();
    expect(await web.findAxeViolations()).toEqual([]);
    expect(await scrollsSideways("html")).toBe(false);
    await openRequest(id);
    await dialog()
      .getByRole("row", { name: /^\$4,700/ })
      .waitFor();
    await button("Erase this request").click();
    expect(await web.findAxeViolations()).toEqual([]);
    expect(await scrollsSideways("html")).toBe(false);
    expect(await scrollsSideways("dialog")).toBe(false);
  },
);
