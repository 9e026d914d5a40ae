import { cpSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, inject } from "vitest";
import { startServer } from "../../../bench/server/local-server.ts";
import type { DevServer } from "../../../cloudflare/dev-server.ts";
import { launchBrowser } from "../../../scripts/browser.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The colour schemes and widths (pixels) in which each page is checked. */
export const SCREENS = [
  ["light", 1280],
  ["light", 360],
  ["dark", 1280],
  ["dark", 360],
] as const;

export interface WebTest {
  /** Address of the server, which has trained models and needs no key. */
  readonly url: string;
  readonly state: string;
  /** A folder for the files of the test. */
  readonly folder: string;
  /** A new page in a new browser context for each test. */
  readonly page: Page;
  /** Errors in the console of all pages of the test, and requests to other servers. */
  readonly problems: readonly string[];
  /** Replaces the page by one with other options. */
  openPage(options: BrowserContextOptions): Promise<void>;
  /** Runs axe-core on the page. */
  findAxeViolations(): Promise<string[][]>;
}

/**
 * Registers the hooks that start and stop a server and a browser for the tests of a file.
 * @param prepare changes the state before the server starts
 */
export function createWebTest(prepare?: (state: string) => Promise<void>): WebTest {
  const scratch = createScratchFolder();
  const state = join(scratch.path, "state");
  let server: DevServer;
  let browser: Browser;
  let page: Page;
  let problems: string[] = [];

  beforeAll(async () => {
    cpSync(inject("trainedState"), state, { recursive: true });
    await prepare?.(state);
    server = await startServer(state, { vars: { ACCESS: "open", RATE_LIMITS: "off" } });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    scratch.remove();
  });
  beforeEach(async () => {
    problems = [];
    page = await createPage({});
  });
  afterEach(async () => {
    await page.context().close();
  });

  async function createPage(options: BrowserContextOptions): Promise<Page> {
    const context = await browser.newContext(options);
    const created = await context.newPage();
    created.on("console", (message) => {
      if (message.type() === "error") problems.push(message.text());
    });
    created.on("pageerror", (error) => problems.push(error.message));
    created.on("request", (request) => {
      if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(server.url))
        problems.push(request.url());
    });
    return created;
  }

  return {
    state,
    folder: scratch.path,
    get url() {
      return server.url;
    },
    get page() {
      return page;
    },
    get problems() {
      return problems;
    },
    async openPage(options) {
      await page.context().close();
      page = await createPage(options);
    },
    async findAxeViolations() {
      await page.addScriptTag({ content: AXE });
      return page.evaluate(
        "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => [id, ...nodes.map(({ html }) => html)]))",
      );
    },
  };
}
