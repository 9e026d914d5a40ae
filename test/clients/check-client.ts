/** What every generated client must be able to do, and a test that does it. */
import assert from "node:assert/strict";

type Cut = "Fair" | "Good" | "Very Good" | "Premium" | "Ideal";
type Color = "J" | "I" | "H" | "G" | "F" | "E" | "D";
type Clarity = "I1" | "SI2" | "SI1" | "VS2" | "VS1" | "VVS2" | "VVS1" | "IF";

interface Grades {
  carat: number;
  cut: Cut;
  color: Color;
  clarity: Clarity;
}
interface Measurements {
  depth: number;
  table: number;
  x: number;
  y: number;
  z: number;
}
export type StoneInput = Grades & { [Name in keyof Measurements]?: number | null };
export type PricedStoneInput = Grades & Measurements & { price: number };

interface Version {
  name: string;
  version: number;
}
interface Problem {
  type: string;
  status: number;
  detail: string;
  errors?: { path: string; message: string }[];
  moreErrors?: number;
}

/** The filters of the log. Each is sent alone. */
export interface LogFilter {
  since?: string;
  until?: string;
  status?: string;
  route?: string;
  model?: string;
  minDuration?: number;
  path?: string;
  caller?: string;
  limit?: number;
}

/** The operations as typed functions. The types of the generated client must be assignable to these. */
export interface Client {
  predict(
    stone: StoneInput,
    model?: string,
  ): Promise<{ id: string; price: number; model: Version; imputed: string[] }>;
  /** With an asking price of $4,200, an explanation and two comparable stones. */
  predictInDetail(stone: StoneInput): Promise<{
    price: number;
    range: { low: number; high: number; coverage: number } | null;
    warnings: { code: string; message: string; fields: string[] }[];
    asking?: { price: number; percentile: number | null };
    explanation?: { basePrice: number; reasons: { feature: string; amount: number; text: string }[] } | null;
    comparables?: { price: number; weightDifference: number }[];
    comparison?: { count: number; medianPrice: number | null };
  }>;
  predictWrong(): Promise<Problem>;
  predictBatch(
    diamonds: StoneInput[],
  ): Promise<{ id: string; predictions: { price: number; currency: "USD" }[] }>;
  listSimilar(
    stone: Grades & { depth?: number },
    n: number,
  ): Promise<{ count: number; diamonds: (PricedStoneInput & { id: string; weightDifference: number })[] }>;
  listModels(): Promise<{
    models: (Version & { metrics: { mae: number } })[];
    aliases: Record<string, Version>;
  }>;
  listVersions(name: string): Promise<{ versions: Version[]; next: string | null }>;
  getVersion(
    name: string,
    version: number,
  ): Promise<
    Version & {
      sha256: string;
      ranges: Record<string, number[]>;
      decision: { champion: Version | null; promoted: boolean } | null;
      report: string | null;
    }
  >;
  listAliasPeriods(
    name: string,
    version: number,
  ): Promise<{ periods: { alias: string; until: string | null }[] }>;
  moveAlias(
    alias: string,
    model: string,
    share: number,
  ): Promise<Version & { alias: string; canary: Version | null; revision: number }>;
  getAlias(alias: string): Promise<Version & { history: { from: Version | null; actor: string }[] }>;
  removeAlias(alias: string, reason: string): Promise<{ removed: boolean; reason: string }>;
  listRequests(filter: LogFilter): Promise<{
    requests: {
      id: string;
      status: number;
      model: Version | null;
      shadow: { price: number | null } | null;
    }[];
    next: string | null;
  }>;
  exportRequests(format: "csv" | "ndjson"): Promise<string>;
  getRequest(id: string): Promise<{ id: string; requestBody: string | null; outcomes: { price: number }[] }>;
  getMonitoring(window: "24h" | "7d" | "30d"): Promise<{
    requests: number;
    models: { name: string; drift: Record<string, { verdict: string }> | null }[];
  }>;
  reportOutcome(
    id: string,
    price: number,
    index: number | null,
  ): Promise<{ prediction: string; predicted: number; corrects: number | null }>;
  sendAppraisals(diamonds: PricedStoneInput[]): Promise<{
    accepted: number;
    check: { refused: boolean } | null;
    results: { id?: string; status: string }[];
  }>;
  withdraw(id: string, reason: string): Promise<{ id: string; reason: string }>;
  isReady(): Promise<boolean>;
}

const STONE: PricedStoneInput = {
  carat: 1.1,
  cut: "Ideal",
  color: "H",
  clarity: "SI2",
  depth: 62,
  table: 55,
  x: 6.61,
  y: 6.65,
  z: 4.11,
  price: 4677,
};

/** The data of an answer. Throws the problem of a refused request. */
export function read<Data>({ data, error }: { data?: Data; error?: unknown }): Data {
  if (data === undefined) throw new Error(JSON.stringify(error));
  return data;
}

/** Runs every main operation through a client of a server that `npm start` has just set up. */
export async function checkClient(client: Client, alias: string): Promise<void> {
  assert.equal(await client.isReady(), true);
  const { price: _, ...stone } = STONE;
  const complete = await client.predict(stone);
  assert.ok(complete.price > 1000 && complete.imputed.length === 0);
  const { carat, cut, color, clarity } = STONE;
  const short = await client.predict({ carat, cut, color, clarity, depth: null, table: null });
  assert.deepEqual(short.imputed, ["depth", "table", "x", "y", "z"]);
  const linear = await client.predict(stone, "log-linear@1");
  assert.deepEqual(linear.model, { name: "log-linear", version: 1 });

  const detail = await client.predictInDetail({ ...stone, x: 3.8 });
  const { low = 0, high = 0 } = detail.range ?? {};
  assert.ok(low < detail.price && detail.price < high);
  assert.deepEqual(
    detail.warnings.map(({ code, fields }) => [code, fields]),
    [["weight-against-size", ["carat", "x"]]],
  );
  const { basePrice = 0, reasons = [] } = detail.explanation ?? {};
  const total = reasons.reduce((sum, { amount }) => sum + amount, basePrice);
  assert.ok(reasons.length === 5 && Math.abs(total - detail.price) < 0.005);
  assert.ok(detail.asking?.price === 4200 && detail.asking.percentile !== null);
  assert.ok(detail.comparables?.length === 2 && detail.comparison?.count === 2);

  const problem = await client.predictWrong();
  assert.equal(problem.type, "urn:facet:problem:invalid-input");
  assert.deepEqual(
    problem.errors?.map(({ path }) => path),
    ["cut"],
  );

  // A sale can be reported as soon as the price is known.
  const outcome = await client.reportOutcome(complete.id, 4800, null);
  assert.deepEqual(
    [outcome.prediction, outcome.predicted, outcome.corrects],
    [complete.id, complete.price, null],
  );

  const similar = await client.listSimilar({ carat, cut, color, clarity, depth: 62 }, 3);
  assert.equal(similar.count, 3);
  // The stones of an answer can be sent as they are.
  const batch = await client.predictBatch([...similar.diamonds, { carat, cut, color, clarity, x: null }]);
  assert.equal(batch.predictions.length, 4);
  assert.equal((await client.reportOutcome(batch.id, 4800, 3)).predicted, batch.predictions[3]?.price);

  const { models, aliases } = await client.listModels();
  assert.ok(models.every(({ metrics }) => metrics.mae > 0));
  const champion = aliases.champion;
  assert.ok(champion !== undefined);
  assert.equal((await client.listVersions(champion.name)).versions[0]?.version, champion.version);
  const version = await client.getVersion(champion.name, champion.version);
  assert.ok(version.sha256.length === 64 && version.ranges.carat?.length === 2);
  const { periods } = await client.listAliasPeriods(champion.name, champion.version);
  assert.ok(periods.some((period) => period.alias === "champion" && period.until === null));

  const moved = await client.moveAlias("challenger", "log-linear@1", 10);
  assert.deepEqual([moved.alias, moved.name, moved.canary], ["challenger", "log-linear", null]);
  assert.equal((await client.getAlias("challenger")).history[0]?.from, null);
  assert.equal((await client.removeAlias("challenger", `tested by ${alias}`)).removed, true);

  const fresh: PricedStoneInput = { ...STONE, carat: 1.1 + alias.length / 1000 };
  const appraisals = await client.sendAppraisals([fresh]);
  assert.deepEqual([appraisals.accepted, appraisals.check?.refused], [1, false]);
  const id = appraisals.results[0]?.id ?? "";
  assert.equal((await client.withdraw(id, "only a test")).reason, "only a test");

  const stored = await client.getRequest(complete.id);
  assert.deepEqual([stored.id, stored.outcomes.length], [complete.id, 1]);
  const filters: LogFilter[] = [
    { since: new Date(Date.now() - 3_600_000).toISOString() },
    { until: new Date(Date.now() + 3_600_000).toISOString() },
    { status: "4xx" },
    { route: "/v1/predictions" },
    { model: "log-linear@1" },
    { minDuration: 0 },
    { path: "/v1/" },
    { caller: champion.name },
    { limit: 5 },
  ];
  for (const filter of filters) {
    const { requests } = await client.listRequests(filter);
    // No key has the name of a model.
    assert.equal(requests.length > 0, filter.caller === undefined, JSON.stringify(filter));
    if (filter.status !== undefined) assert.ok(requests.every(({ status }) => status >= 400 && status < 500));
    if (filter.model !== undefined) assert.ok(requests.every(({ model }) => model?.name === "log-linear"));
  }
  assert.match(await client.exportRequests("csv"), /^id,at,method,/);
  assert.match(await client.exportRequests("ndjson"), /^\{"id":/);
  assert.ok((await client.getMonitoring("24h")).requests >= 0);
}
