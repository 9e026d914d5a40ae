import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const CHROMIUM_PATHS = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Launches the browser in FACET_BROWSER, or an installed Chromium. */
export function launchBrowser(): Promise<Browser> {
  const executablePath = process.env.FACET_BROWSER ?? CHROMIUM_PATHS.find(existsSync);
  if (executablePath === undefined)
    throw new Error("no browser found: install chromium, or set FACET_BROWSER to the path of one");
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
  args.push("--disable-background-networking", "--disable-component-update", "--disable-sync");
  return chromium.launch({ executablePath, args });
}
