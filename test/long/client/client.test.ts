/**
 * The client, its package and the examples of the API against the Worker, with the keys and rate limits of a
 * deployment. All parts share one server.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer } from "../../../bench/server/local-server.ts";
import { createFacetClient, FacetError, readAnswer } from "../../../clients/typescript/src/index.ts";
import { applyMigrations } from "../../../cloudflare/d1.ts";
import type { DevServer } from "../../../cloudflare/dev-server.ts";
import { REPOSITORY_ROOT } from "../../../cloudflare/wrangler.ts";
import { EXAMPLE_STONE as STONE } from "../../../src/domain/diamond.ts";
import { createKey } from "../../../training/registry/keys.ts";
import { startScript } from "../../support/run-script.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";
import { CSV_ROWS, writeStonesCsv } from "../../support/stones-csv.ts";
import { type Fault, withFaultyProxy } from "./faulty-proxy.ts";
import { checkPrograms, installClient, runTool } from "./installed-client.ts";

const scratch = createScratchFolder();
const state = join(scratch.path, "state");
const app = createScratchFolder();
let server: DevServer;
let key: string;
let shopKey: string;

beforeAll(async () => {
  // Every tenth stone: grades of all kinds.
  const csv = writeStonesCsv(
    scratch.path,
    "stones.csv",
    CSV_ROWS.filter((_, i) => i % 10 === 0),
  );
  const training = startScript(["--state", state, "--data", csv], "test/long/client/train-log-linear.ts");
  const { code, output } = await training.finished;
  if (code !== 0) throw new Error(output);
  const target = { kind: "local", state } as const;
  await applyMigrations(target);
  key = await createKey(target, { name: "all", scopes: ["predict", "appraise", "admin"], expiresAt: null });
  shopKey = await createKey(target, { name: "shop", scopes: ["predict"], expiresAt: null });
  server = await startServer(state, { vars: { ALLOWED_HOSTS: "127.0.0.1" } });
});
afterAll(async () => {
  await server?.stop();
  for (const folder of [scratch, app]) folder.remove();
});

const createClient = (options: Partial<Parameters<typeof createFacetClient>[0]> = {}) =>
  createFacetClient({ baseUrl: server.url, key, ...options });

/** Waits for a call that must fail. */
async function readError(call: Promise<unknown>): Promise<FacetError> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof FacetError) return error;
  throw new Error("the call did not fail with a FacetError", { cause: error });
}

describe("the client", () => {
  test("prices stones, explains a price and finds similar stones", async () => {
    const facet = createClient();
    const { price, explanation, range } = await facet.predictPrice(STONE, { explain: true, coverage: 0.8 });
    expect(price).toBeGreaterThan(1000);
    expect(explanation?.reasons.length).toBeGreaterThan(2);
    expect(range?.coverage).toBe(0.8);
    const { carat, cut, color, clarity } = STONE;
    const { predictions } = await facet.predictPrices([STONE, { carat: 2, cut, color, clarity }]);
    expect(predictions.map((prediction) => prediction.price > price)).toEqual([false, true]);
    expect(predictions[0]?.explanation).toBeUndefined();
    const { count, diamonds } = await facet.findSimilar({ carat, cut, color, clarity, n: 2 });
    expect([count, diamonds[0]?.cut]).toEqual([2, "Ideal"]);
  });

  test("tells a missing key, a wrong key and a missing scope apart", async () => {
    const missing = await readError(createClient({ key: null }).predictPrice(STONE));
    expect([missing.status, missing.type]).toEqual([401, "urn:facet:problem:unauthenticated"]);
    const wrong = await readError(createClient({ key: () => `facet_${"a".repeat(32)}` }).predictPrice(STONE));
    expect([wrong.type, wrong.detail]).not.toEqual([missing.type, missing.detail]);
    const forbidden = await readError(readAnswer(createClient({ key: shopKey }).GET("/v1/requests")));
    expect([forbidden.status, forbidden.type]).toEqual([403, "urn:facet:problem:forbidden"]);
  });

  test("gives the invalid fields, and the id under which the log has the request", async () => {
    const wrong = { ...STONE, carat: -1, cut: "Idael" as "Ideal" };
    const error = await readError(createClient().predictPrices([STONE, wrong]));
    expect([error.status, error.type]).toEqual([422, "urn:facet:problem:invalid-input"]);
    expect(error.fieldErrors.map(({ path }) => path).sort()).toEqual(["diamonds.1.carat", "diamonds.1.cut"]);
    expect(error.message).toMatch(/^1 of the 2 stones is invalid/);
    const params = { path: { id: error.requestId ?? "" } };
    const logged = await readAnswer(createClient().GET("/v1/requests/{id}", { params }));
    expect([logged.status, logged.route]).toEqual([422, "/v1/predictions/batch"]);
  });

  test("names the problem of a server that does not answer at this host", async () => {
    const baseUrl = server.url.replace("127.0.0.1", "localhost");
    // Node's fetch sends a call with a 421 again, and fails if the call has a body.
    const error = await readError(readAnswer(createClient({ baseUrl }).GET("/v1/models")));
    expect([error.status, error.type]).toEqual([421, "urn:facet:problem:misdirected-request"]);
  });

  test("calls again after a real 429, when the time of Retry-After is over", async () => {
    const client = createClient({ key: null, attempts: 1 });
    let refused: FacetError | undefined;
    for (let i = 0; i < 10 && refused === undefined; i++) {
      const errors = await Promise.all(
        Array.from({ length: 100 }, () => readError(client.predictPrice(STONE))),
      );
      refused = errors.find(({ status }) => status === 429);
    }
    expect(refused?.type).toBe("urn:facet:problem:too-many-requests");
    expect(refused?.retryAfterSeconds).toBe(10);
    const start = Date.now();
    // Without a key, the call is refused again, but no longer by the rate limit.
    const { type } = await readError(createClient({ key: null }).predictPrice(STONE));
    expect(type).toBe("urn:facet:problem:unauthenticated");
    expect(Date.now() - start).toBeGreaterThan(9_900);
  });
});

describe("behind a network that fails", () => {
  const callThrough = <Data>(
    faults: readonly Fault[],
    call: (facet: ReturnType<typeof createClient>) => Promise<Data>,
  ) =>
    withFaultyProxy(server.url, faults, async (baseUrl, arrivals) => ({
      data: await call(createClient({ baseUrl })),
      arrivals,
    }));

  test("the client waits as a 503 says, in seconds and as a date, and then has the price", async () => {
    const busy = (retryAfter: string) => ({ status: 503, retryAfter });
    // A date has whole seconds, so it is up to a second earlier than meant.
    const date = new Date(Date.now() + 3_000).toUTCString();
    const { data, arrivals } = await callThrough([busy("1"), busy(date)], (facet) =>
      facet.predictPrice(STONE),
    );
    expect(data.price).toBeGreaterThan(1000);
    const [first = 0, second = 0, third = 0] = arrivals;
    expect(second - first).toBeGreaterThan(990);
    expect(third).toBeGreaterThan(Date.parse(date));
    expect(arrivals).toHaveLength(3);
  });

  test.each(["cut before", "cut after", "cut within"] as const)(
    "a price is asked again after a connection that was %s the answer",
    async (fault) => {
      const { data, arrivals } = await callThrough([fault], (facet) => facet.predictPrice(STONE));
      expect(data.price).toBeGreaterThan(1000);
      expect(arrivals).toHaveLength(2);
    },
  );

  test("fresh stones whose answer was lost are stored once", async () => {
    const stone = { ...STONE, carat: 1.11, price: 4700 };
    const { data } = await callThrough(["cut after"], (facet) =>
      readAnswer(facet.POST("/v1/diamonds", { body: { diamonds: [stone] } })),
    );
    expect([data.accepted + data.quarantined, data.duplicates]).toEqual([0, 1]);
  });

  test("a report of a sale is not sent again, because it may have arrived", async () => {
    const { id } = await createClient().predictPrice(STONE);
    const params = { path: { id } };
    const { data, arrivals } = await callThrough(["cut after"], (facet) =>
      readError(readAnswer(facet.POST("/v1/predictions/{id}/outcome", { params, body: { price: 4800 } }))),
    );
    expect([data.type, data.status, arrivals.length]).toEqual(["unreachable", null, 1]);
    const logged = await readAnswer(createClient().GET("/v1/requests/{id}", { params }));
    expect(logged.outcomes).toHaveLength(1);
  });

  test("an export that breaks off is an error, and a cancelled call has the reason of its caller", async () => {
    const { data } = await callThrough(["cut within"], (facet) =>
      readError(readAnswer(facet.GET("/v1/requests/export", { parseAs: "text" }))),
    );
    expect([data.type, data.status]).toEqual(["unreachable", null]);
    const reason = new Error("the page was closed");
    const call = createClient().predictPrice(STONE, { signal: AbortSignal.abort(reason) });
    await expect(call).rejects.toBe(reason);
  });

  test("an error of a proxy is an error without a type of the API", async () => {
    const refusal = { status: 502, retryAfter: "0" };
    const { data, arrivals } = await callThrough([refusal, refusal, refusal], (facet) =>
      readError(facet.predictPrice(STONE)),
    );
    expect([data.type, data.status, data.isTransient, arrivals.length]).toEqual([
      "about:blank",
      502,
      true,
      3,
    ]);
  });
});

/** The examples of an operation in /openapi.json. */
interface Example {
  readonly operationId: string;
  readonly label: string;
  readonly source: string;
  /** The id in the path of the example, which exists on no server. */
  readonly id: string | undefined;
}

async function readExamples(): Promise<Example[]> {
  const { paths } = (await (await fetch(`${server.url}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, DescribedOperation>>;
  };
  return Object.values(paths).flatMap((methods) =>
    Object.values(methods).flatMap(({ operationId, parameters = [], "x-codeSamples": samples }) => {
      const id = parameters.find(({ name }) => name === "id")?.schema.example;
      return samples.map(({ label, source }) => ({ operationId, label, source, id }));
    }),
  );
}

interface DescribedOperation {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly schema: { readonly example?: string } }[];
  readonly "x-codeSamples": readonly { readonly label: string; readonly source: string }[];
}

/** Puts an id that exists into an example. Each operation gets its own. */
async function insertId({ operationId, source, id }: Example): Promise<string> {
  if (id === undefined) return source;
  const facet = createClient();
  const prediction = await facet.predictPrice(STONE);
  const { results } = await readAnswer(
    facet.POST("/v1/diamonds", { body: { diamonds: [{ ...STONE, price: 4677 }] } }),
  );
  const real = operationId === "withdrawDiamond" ? results[0]?.id : prediction.id;
  if (real === undefined || !source.includes(id)) throw new Error(`no id to replace in:\n${source}`);
  return source.replace(id, real);
}

const WRONG_GRADE = `import { createFacetClient } from "facet-client";
const facet = createFacetClient({ baseUrl: "https://facet.example" });
// @ts-expect-error: there is no such grade.
export const call = () => facet.predictPrice({ carat: 1, cut: "Ruby", color: "H", clarity: "SI2" });
`;

describe("the package, in an app that has installed it", () => {
  test("has the code, its types, the README and the licence, and nothing else", async () => {
    const files = await installClient(app.path);
    const others = files.filter((path) => !/^dist\/[\w-]+\.(js|d\.ts)$/.test(path));
    expect(others.sort()).toEqual(["LICENSE", "README.md", "package.json"]);
    expect(files).toContain("dist/schema.d.ts");
  });

  test("runs the programs of its README, and its types refuse a wrong grade", async () => {
    const readme = readFileSync(join(REPOSITORY_ROOT, "clients/typescript/README.md"), "utf8");
    const programs = Array.from(readme.matchAll(/^```ts\n(.*?)^```/gms), ([, source = ""], i) => [
      `readme-${i}.mts`,
      source.replaceAll("http://localhost:8787", server.url),
    ]);
    expect(programs.length).toBeGreaterThanOrEqual(4);
    await checkPrograms(app.path, { ...Object.fromEntries(programs), "wrong-grade.mts": WRONG_GRADE });
    const outputs = await Promise.all(
      programs.map(([name = ""]) => runTool(app.path, process.execPath, [name], { FACET_KEY: key })),
    );
    expect(outputs[0]).toMatch(/^\$[\d.]+, most such stones: \$/);
    expect(outputs[2]).toMatch(/^\$[\d.]+\ncarat: carat must be a number above 0/);
  });
});

describe("the examples of /openapi.json", () => {
  test("run as they are in TypeScript", async () => {
    const examples = (await readExamples()).filter(({ label }) => label === "TypeScript");
    expect(examples.length).toBeGreaterThan(20);
    const programs: Record<string, string> = {};
    for (const example of examples) programs[`${example.operationId}.mts`] = await insertId(example);
    await checkPrograms(app.path, programs);
    // In one process: to start Node for each would take most of the time.
    const names = Object.keys(programs);
    const imports = names.map((name) => `console.log("# ${name}"); await import("./${name}");`);
    writeFileSync(join(app.path, "all.mts"), imports.join("\n"));
    const output = await runTool(app.path, process.execPath, ["all.mts"], { FACET_KEY: key });
    const outputs = output.split(/^# .*$/m).slice(1);
    expect(outputs).toHaveLength(names.length);
    expect(outputs.filter((text) => text.trim() === "")).toEqual([]);
  });

  test.each([
    ["Python", "python3", ["-c"]],
    // The configuration of curl makes it fail if the answer is an error.
    ["curl", "bash", ["-euc"]],
  ] as const)("run as they are in %s", async (language, command, options) => {
    writeFileSync(join(app.path, ".curlrc"), "fail-with-body\nshow-error\n");
    const examples = (await readExamples()).filter(({ label }) => label === language);
    expect(examples.length).toBeGreaterThan(20);
    const environment = { FACET_KEY: key, CURL_HOME: app.path };
    for (const example of examples) {
      const output = await runTool(app.path, command, [...options, await insertId(example)], environment);
      expect(output, example.operationId).not.toBe("");
    }
  });
});
