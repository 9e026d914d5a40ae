import { globSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { APP_PAGES } from "../../src/domain/routes.ts";
import { readWranglerConfig } from "./wrangler-config.ts";

test("every page is answered by the Worker and has an HTML file", () => {
  expect(readWranglerConfig().assets.run_worker_first).toEqual(expect.arrayContaining([...APP_PAGES]));
  const files = globSync("*.html", { cwd: join(import.meta.dirname, "../../web") });
  const paths = files.map((file) => `/${file.replace(".html", "").replace("index", "")}`);
  expect(paths.sort()).toEqual([...APP_PAGES].sort());
});
