/** `npm run screenshots`: takes the README's pictures of the page, light and dark, from a running server. */
import { join } from "node:path";
import { runCommand } from "../cloudflare/command-line.ts";
import { REPOSITORY_ROOT } from "../cloudflare/wrangler.ts";
import { launchBrowser } from "./browser.ts";

const STONE = "carat=1.1&cut=Ideal&color=H&clarity=SI2&depth=62&table=55&x=6.61&y=6.65&z=4.11&asking=4200";

await runCommand(async () => {
  const url = process.env.FACET_URL ?? "http://localhost:8787";
  const browser = await launchBrowser();
  try {
    for (const colorScheme of ["light", "dark"] as const) {
      const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 1000 } });
      await page.goto(`${url}/?${STONE}`);
      await page.locator(".plot svg").waitFor();
      await page.screenshot({ path: join(REPOSITORY_ROOT, `docs/price-${colorScheme}.png`) });
    }
  } finally {
    await browser.close();
  }
});
