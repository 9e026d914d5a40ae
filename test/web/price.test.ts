/** The page / in a real browser, with the models that `npm start` trains. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Route } from "playwright-core";
import { describe, expect, test } from "vitest";
import { prepareState, startServer } from "../../bench/server/local-server.ts";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";
import { createKey } from "../../training/registry/keys.ts";
import { createWebTest, SCREENS } from "./support/web-test.ts";

const PREDICTIONS = "**/v1/predictions?*";
const web = createWebTest();

const open = (query = "") => web.page.goto(`${web.url}/${query}`);
const price = () => web.page.locator(".price");
const pickGrade = (name: string, grade: string) =>
  web.page.locator(`input[name=${name}][value="${grade}"]`).check();

/** The price of a stone, as the API answers it. */
async function askPrice(stone: object): Promise<{ id: string; shown: string }> {
  const response = await fetch(`${web.url}/v1/predictions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(stone),
  });
  const { id, price: amount } = (await response.json()) as { id: string; price: number };
  return { id, shown: `$${Math.round(amount).toLocaleString("en-US")}` };
}

test.each(["index.html", "batch.html", "models.html", "service.html"])(
  "%s loads at most 120 KiB of script and style at first, gzipped",
  (page) => {
    const assets = join(REPOSITORY_ROOT, "dist/assets");
    const html = readFileSync(join(assets, page), "utf8");
    const files = Array.from(
      html.matchAll(/(?:src|href)="(\/[^"]+\.(?:js|css))"/g),
      ([, path]) => path ?? "",
    );
    expect(files.length).toBeGreaterThan(2);
    const bytes = files.map((file) => gzipSync(readFileSync(join(assets, file))).length);
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThan(120 * 1024);
  },
);

describe("the price", () => {
  test("of the example stone is shown with its range, reasons, steps and stones, without any input", async () => {
    await open();
    const { shown } = await askPrice({ carat: 1.1, cut: "Ideal", color: "H", clarity: "SI2" });
    await price().getByText(shown, { exact: true }).waitFor();
    expect(await web.page.locator(".range").textContent()).toMatch(/sell between \$[\d,]+ and \$[\d,]+\./);
    expect(await web.page.locator(".reasons tbody tr").count()).toBe(7);
    await web.page.getByRole("button", { name: /^clarity SI1 \+\$/ }).waitFor();
    await web.page.locator(".plot svg[role=img]").waitFor();
    expect(await web.page.locator(".stones tbody tr").count()).toBe(10);
    expect(web.problems).toEqual([]);
  });

  test("has its reasons in dollars and in percent, as the API gives them", async () => {
    await open();
    await web.page.locator(".reasons").waitFor();
    const response = await fetch(`${web.url}/v1/predictions?explain=true`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ carat: 1.1, cut: "Ideal", color: "H", clarity: "SI2" }),
    });
    const { explanation } = (await response.json()) as {
      explanation: { reasons: { factor: number; amount: number }[] };
    };
    const sign = (value: number) => (value > 0 ? "+" : value < 0 ? "-" : "");
    const expected = explanation.reasons.map(({ factor, amount }) => {
      const [dollars, percent] = [Math.round(amount), Math.round((factor - 1) * 100)];
      return [
        `${sign(dollars)}$${Math.abs(dollars).toLocaleString("en-US")}`,
        `${sign(percent)}${Math.abs(percent)}%`,
      ];
    });
    const rows = await web.page.locator(".reasons tbody tr").all();
    const shown = await Promise.all(
      rows.slice(1, -1).map(async (row) => (await row.locator("td").allTextContents()).slice(0, 2)),
    );
    expect(shown).toEqual(expected);
  });

  test("follows the controls, and a link opens the same stone", async () => {
    await open();
    await web.page.getByLabel("Weight ct").fill("0,7");
    await pickGrade("cut", "Good");
    await pickGrade("color", "F");
    await pickGrade("clarity", "VVS1");
    const { shown } = await askPrice({ carat: 0.7, cut: "Good", color: "F", clarity: "VVS1" });
    await price().getByText(shown, { exact: true }).waitFor();
    expect(await web.page.locator("fieldset.clarity").textContent()).toContain("extremely hard to find");
    const link = web.page.url();
    await web.page.goto("about:blank");
    await web.page.goto(link);
    await price().getByText(shown, { exact: true }).waitFor();
    expect(await web.page.locator("input[name=cut]:checked").inputValue()).toBe("Good");
    expect(web.problems).toEqual([]);
  });

  test("of a newer call is not replaced by an older answer", async () => {
    await open();
    await web.page.locator(".reasons").waitFor();
    const held = Promise.withResolvers<Route>();
    await web.page.route(PREDICTIONS, (route) => {
      if (route.request().postData()?.includes('"J"')) held.resolve(route);
      else void route.continue();
    });
    await pickGrade("color", "J");
    const older = await held.promise;
    await pickGrade("color", "D");
    const { shown } = await askPrice({ carat: 1.1, cut: "Ideal", color: "D", clarity: "SI2" });
    await price().getByText(shown, { exact: true }).waitFor();
    // The page has cancelled the call, so it may be gone.
    await older.continue().catch(() => {});
    await web.page.getByRole("button", { name: /^colour E/ }).waitFor();
    expect(await price().textContent()).toBe(shown);
    expect(web.problems).toEqual([]);
  });

  test("is compared with what a customer asks", async () => {
    await open();
    await web.page.getByLabel("Asking price").fill("100");
    await web.page.getByText("$100 is cheaper than 99% of stones like it.").waitFor();
    expect(web.problems).toEqual([]);
  });

  test("can be changed and read with the keyboard alone", async () => {
    await open();
    await web.page.locator(".reasons").waitFor();
    for (let tabs = 0; tabs < 30; tabs++) {
      await web.page.keyboard.press("Tab");
      if (await web.page.evaluate('document.activeElement.name === "color"')) break;
    }
    await web.page.keyboard.press("ArrowLeft");
    const { shown } = await askPrice({ carat: 1.1, cut: "Ideal", color: "G", clarity: "SI2" });
    await price().getByText(shown, { exact: true }).waitFor();
    expect(web.problems).toEqual([]);
  });

  test("is in the request log", async () => {
    await open();
    const id = (await web.page.locator(".source code").last().textContent()) ?? "";
    const adminKey = await createKey(
      { kind: "local", state: web.state },
      { name: "admin", scopes: ["admin"], expiresAt: null },
    );
    const headers = { authorization: `Bearer ${adminKey}` };
    const response = await fetch(`${web.url}/v1/requests/${id}`, { headers });
    expect(await response.json()).toMatchObject({ id, route: "/v1/predictions", status: 200 });
  });
});

describe("a problem", () => {
  test("with a value is told beside its field, and the last price stays", async () => {
    await open();
    await web.page.locator(".reasons").waitFor();
    const before = await price().textContent();
    for (const [text, message] of [
      ["", "Enter the weight in carats, such as 0.7."],
      ["heavy", "Weight must be a number, such as 1.1."],
      ["-1", "Weight must be a number above 0 and at most 100 carats"],
    ] as const) {
      await web.page.getByLabel("Weight ct").fill(text);
      await web.page.locator(".weight .error", { hasText: message }).waitFor();
      await web.page.locator(".outdated .price").waitFor();
      expect(await price().textContent()).toBe(before);
    }
  });

  test("with values that do not fit together is told beside the measurement, in plain words", async () => {
    await open("?carat=1.1&cut=Ideal&color=H&clarity=SI2&x=3.8");
    await web.page.locator(".measurements .doubt", { hasText: /^Length 3.8 mm is .* less than/ }).waitFor();
    expect(web.problems).toEqual([]);
  });

  test("with the network keeps the last price, and the page tries again by itself", async () => {
    await open();
    await web.page.locator(".reasons").waitFor();
    await web.page.route(PREDICTIONS, (route) => route.abort());
    await pickGrade("color", "D");
    await web.page.getByText("Not up to date: Facet cannot be reached.").waitFor();
    await web.page.unroute(PREDICTIONS);
    const { shown } = await askPrice({ carat: 1.1, cut: "Ideal", color: "D", clarity: "SI2" });
    await price().getByText(shown, { exact: true }).waitFor();
    expect(await web.page.locator(".failure").count()).toBe(0);
  });

  test("with a missing file makes the page load itself again once, and then says so", async () => {
    let navigations = 0;
    const reloaded = Promise.withResolvers<void>();
    web.page.on("request", (request) => {
      if (request.isNavigationRequest() && ++navigations === 2) reloaded.resolve();
    });
    await web.page.route("**/assets/*.js", (route) =>
      route.continue({ url: `${web.url}/assets/of-another-version.js` }),
    );
    // The page may load itself again before it was loaded completely.
    await open().catch(() => {});
    await reloaded.promise;
    await web.page.getByText("This page could not be loaded. Load it again in a minute.").waitFor();
    await web.page.unroute("**/assets/*.js");
    await web.page.reload();
    await web.page.locator(".reasons").waitFor();
    expect(navigations).toBe(3);
  });

  test("with the chart's file leaves everything else", async () => {
    await web.page.route("**/assets/scatter-*.js", (route) => route.fulfill({ status: 404 }));
    await open();
    await web.page.getByText("The chart could not be loaded.").waitFor();
    expect(await web.page.locator(".stones tbody tr").count()).toBe(10);
  });

  test("that no model is trained is told with the command that trains one", async () => {
    const empty = join(web.folder, "empty");
    await prepareState(empty, { champion: false });
    const untrained = await startServer(empty, { vars: { ACCESS: "open" } });
    try {
      await web.page.goto(untrained.url);
      await web.page.getByText("No model has been published yet. Run the training (npm run train)").waitFor();
    } finally {
      await untrained.stop();
    }
  });
});

test("a server that needs a key asks for it, says that a wrong one was refused, and keeps a good one", async () => {
  const keyed = await startServer(web.state, { vars: { ACCESS: "keys", RATE_LIMITS: "off" } });
  try {
    await web.page.goto(keyed.url);
    await web.page.getByText("This server answers only callers with a key.").waitFor();
    await web.page.getByLabel("Key").fill("facet_wrongwrongwrongwrong");
    await web.page.getByRole("button", { name: "Use this key" }).click();
    await web.page.getByText("The key was refused:").waitFor();
    const target = { kind: "local", state: web.state } as const;
    const key = await createKey(target, { name: "page", scopes: ["predict"], expiresAt: null });
    await web.page.getByLabel("Key").fill(key);
    await web.page.getByRole("button", { name: "Use this key" }).click();
    await web.page.locator(".reasons").waitFor();
    await web.page.reload();
    await web.page.locator(".reasons").waitFor();
    expect(await web.page.evaluate("JSON.stringify(localStorage)")).not.toContain("facet_");
  } finally {
    await keyed.stop();
  }
});

test.each(SCREENS)(
  "the page has no axe violation in %s mode at %i px, and no sideways scrolling",
  async (colorScheme, width) => {
    await web.openPage({ colorScheme, viewport: { width, height: 800 }, bypassCSP: true });
    await open("?carat=1.1&cut=Ideal&color=H&clarity=SI2&x=3.8&asking=4200");
    await web.page.locator(".plot svg").waitFor();
    expect(await web.findAxeViolations()).toEqual([]);
    expect(await web.page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
  },
);

test("the print is one page with its date and without controls", async () => {
  await open();
  await web.page.locator(".stones tbody tr").first().waitFor();
  await web.page.emulateMedia({ media: "print" });
  expect(await web.page.locator("input:visible, select:visible, header:visible").count()).toBe(0);
  await web.page.getByText(/^Round diamond, 1\.1 ct, .*\. Priced on \d+ \w+ \d{4}, \d\d:\d\d\.$/).waitFor();
  const pdf = (await web.page.pdf({ format: "A4" })).toString("latin1");
  expect(pdf.match(/\/Type \/Page\b/g)).toHaveLength(1);
});
