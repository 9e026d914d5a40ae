import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** The Chromium of this machine, or the one that FACET_BROWSER names. */
export function launch(): Promise<Browser> {
  const executablePath = process.env.FACET_BROWSER ?? PLACES.find(existsSync);
  if (executablePath === undefined)
    throw new Error("the page is tested in a real browser: install chromium, or name one in FACET_BROWSER");
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
  args.push("--disable-background-networking", "--disable-component-update", "--disable-sync");
  return chromium.launch({ executablePath, args });
}
