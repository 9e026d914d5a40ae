/** The request log of the page /service in a real browser, and what can be done with a request. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createServicePage, STONE } from "./support/service-page.ts";
import { createWebTest } from "./support/web-test.ts";

const web = createWebTest();
const service = createServicePage(web);
const {
  button,
  rows,
  withPath,
  statuses,
  dialog,
  errorOf,
  fill,
  open,
  readAsOperator,
  log,
  logPrediction,
  openRequest,
  unexpectedProblems,
} = service;

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
    await keyboard.type(service.key);
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
