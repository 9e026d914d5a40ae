import { afterEach, expect, test, vi } from "vitest";
import { WranglerError } from "../../cloudflare/wrangler.ts";

afterEach(() => vi.unstubAllEnvs());

test("an error of wrangler never has the token", () => {
  vi.stubEnv("CLOUDFLARE_API_TOKEN", "made-up-token");
  const error = new WranglerError(
    "d1 list",
    "✘ [ERROR] Bearer made-up-token was refused\n\n  made-up-token\n",
  );
  expect(error.message).toBe("wrangler d1 list failed: Bearer *** was refused: ***");
  expect(error.output).not.toContain("made-up-token");
});

test("an error is transient if a request failed so, or if wrangler's text says it", () => {
  const failure = { request: "POST /client/v4/x", status: 429 };
  expect(new WranglerError("d1 list", "✘ [ERROR] no", [failure]).isTransient).toBe(true);
  expect(new WranglerError("d1 list", "✘ [ERROR] database is locked").isTransient).toBe(true);
  expect(new WranglerError("d1 list", "✘ [ERROR] no such table: x [code: 7500]").isTransient).toBe(false);
});
