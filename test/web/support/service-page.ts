/** What the tests of the page /service share: finding its parts, filling its log and counting it. */
import type { Locator } from "playwright-core";
import { beforeAll, expect } from "vitest";
import { createKey } from "../../../training/registry/keys.ts";
import type { WebTest } from "./web-test.ts";

export const STONE = { carat: 1.1, cut: "Ideal", color: "H", clarity: "SI2" };

/** Registers the hook that makes the key of an operator. */
export function createServicePage(web: WebTest) {
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
  /** The element, which is gone only when its close event was handled; its role is gone as soon as it is hidden. */
  const dialog = () => web.page.locator("dialog");
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

  return {
    get key() {
      return key;
    },
    createOwnKey,
    button,
    heading,
    figure,
    rows,
    withPath,
    statuses,
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
  };
}
