import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type DevServer, startDevServer } from "../../cloudflare/dev-server.ts";
import { measureWorkerdMemory, sendPieces } from "../support/local-server.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";

const MEBIBYTE = 1_048_576;
/** An isolate has 128 MB. */
const MAX_GROWTH = 60 * MEBIBYTE;
const PIECES = { piece: "x", count: 40_000 };

const folder = createScratchFolder();
afterAll(() => folder.remove());

describe.each([
  { access: "open", path: "/v1/predictions", status: 400 },
  { access: "open", path: "/v1/nowhere", status: 404 },
  { access: "keys", path: "/v1/predictions", status: 401 },
])("bodies of 40,000 pieces for $path with ACCESS = $access", ({ access, path, status }) => {
  let server: DevServer;
  let port: number;

  beforeAll(async () => {
    const vars = { ACCESS: access, RATE_LIMITS: "off" };
    server = await startDevServer({ state: join(folder.path, access), vars, output: "none" });
    port = Number(new URL(server.url).port);
    expect(await server.waitUntilReady("/health")).toBe(true);
    // The first requests load code.
    for (let i = 0; i < 50; i++) await fetch(`${server.url}${path}`, { method: "POST", body: "1" });
  });
  afterAll(() => server.stop());

  test.each([2, 8])("%i of them at once take less than 60 MiB in all", async (connections) => {
    const before = measureWorkerdMemory();
    const answers = await Promise.all(
      Array.from({ length: connections }, () => sendPieces(port, path, PIECES)),
    );
    expect(answers).toEqual(answers.map(() => status));
    expect(measureWorkerdMemory() - before).toBeLessThan(MAX_GROWTH);
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });
});
