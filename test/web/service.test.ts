/** The page /service in a real browser: its key, and the figures of the service. */
import { describe, expect, test } from "vitest";
import { createServicePage, STONE } from "./support/service-page.ts";
import { createWebTest, SCREENS } from "./support/web-test.ts";

const web = createWebTest();
const service = createServicePage(web);
const {
  createOwnKey,
  button,
  figure,
  rows,
  dialog,
  errorOf,
  fill,
  enterKey,
  open,
  readAsOperator,
  log,
  logPrediction,
  openRequest,
  runScheduledJobs,
  unexpectedProblems,
  scrollsSideways,
} = service;

describe("the key", () => {
  test("is asked for before any call, and forgotten with everything it has shown", async () => {
    const calls: string[] = [];
    web.page.on("request", (request) => {
      if (request.url().includes("/v1/")) calls.push(request.url());
    });
    await web.page.goto(`${web.url}/service`);
    await web.page.getByText("enter a key with the scope admin").waitFor();
    await web.page.getByText("“npm start” prints one").waitFor();
    expect(calls).toEqual([]);
    await enterKey(service.key);
    await rows().first().waitFor();
    expect(calls.join()).not.toContain(service.key);
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
    await enterKey(service.key);
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
    expect(await figure("Errors").locator("svg").textContent()).toMatch(/5xx.*4xx/);
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

test.each(SCREENS)(
  "the page and the dialog have no axe violation in %s mode at %i px, and no sideways scrolling",
  async (colorScheme, width) => {
    const id = await logPrediction();
    await log([{ path: `/v1/predictions/${id}/outcome`, body: { price: 4700 } }]);
    await runScheduledJobs();
    await web.openPage({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true });
    await web.page.goto(`${web.url}/service`);
    expect(await web.findAxeViolations()).toEqual([]);
    await enterKey(service.key);
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
