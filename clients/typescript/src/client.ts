import createClient, { type Client } from "openapi-fetch";
import { createAnswerError, createConnectionError } from "./errors.ts";
import { type Fetch, fetchWithRetry } from "./fetch-with-retry.ts";
import type { components, operations, paths } from "./schema.ts";

/** The bodies of the API by name, such as `Schemas["Stone"]` and `Schemas["PredictionResponse"]`. */
export type Schemas = components["schemas"];

export interface FacetClientOptions {
  /** Address of the server, such as `https://facet.example.com`. */
  readonly baseUrl: string;
  /** Key (`facet_...`), or a function that is asked for it before each call. Without one, no key is sent. */
  readonly key?: string | null | undefined | (() => string | null | undefined);
  /** How often a call is sent at most, if it is safe to repeat. Default: 3. */
  readonly attempts?: number | undefined;
  /** Time for each attempt, in milliseconds. Default: 30,000. */
  readonly timeoutMs?: number | undefined;
  /**
   * The longest `Retry-After` that is waited for, in milliseconds. If the server asks for more, the call fails
   * at once, and `retryAfterSeconds` of the error has the time. Default: 60,000, the longest that Facet asks for.
   */
  readonly maxRetryAfterMs?: number | undefined;
  /** Sends the requests, for example `env.FACET.fetch.bind(env.FACET)` of a service binding. Default: `fetch`. */
  readonly fetch?: Fetch | undefined;
}

/** A longer timer ends at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

interface CallOptions {
  /** Cancels the call, also while it waits for its next attempt. */
  readonly signal?: AbortSignal | undefined;
}

type Query<Name extends keyof operations> = NonNullable<operations[Name]["parameters"]["query"]>;

/** The parameters of a price, as in `POST /v1/predictions`. */
export interface PriceOptions extends CallOptions, Omit<Query<"createPrediction">, "explain"> {
  /** Adds the reasons for the price. */
  readonly explain?: boolean;
}

/** Carat and grades of a stone, and what else `GET /v1/diamonds/similar` takes, such as `n` and `model`. */
export type SimilarQuery = Query<"listSimilarDiamonds">;

/** The client of openapi-fetch with all calls of the API (`client.GET("/v1/models")`), and short forms of the main ones. */
export interface FacetClient extends Client<paths> {
  /** Prices a stone. @throws FacetError */
  predictPrice(stone: Schemas["Stone"], options?: PriceOptions): Promise<Schemas["PredictionResponse"]>;
  /** Prices up to 1,000 stones, in their order. @throws FacetError */
  predictPrices(stones: Schemas["Stone"][], options?: PriceOptions): Promise<Schemas["BatchResponse"]>;
  /** Finds stones with known prices: the same grades, the nearest weight first. @throws FacetError */
  findSimilar(query: SimilarQuery, options?: CallOptions): Promise<Schemas["SimilarDiamondsResponse"]>;
}

/**
 * Creates a client of a Facet server. It sends nothing by itself.
 * @throws RangeError if `attempts` or a time is not possible
 */
export function createFacetClient({
  baseUrl,
  key,
  attempts = 3,
  timeoutMs = 30_000,
  maxRetryAfterMs = 60_000,
  fetch = (request, init) => globalThis.fetch(request, init),
}: FacetClientOptions): FacetClient {
  if (!Number.isInteger(attempts) || attempts < 1)
    throw new RangeError(`attempts must be a whole number from 1, not ${attempts}`);
  if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMER_MS))
    throw new RangeError(`timeoutMs must be above 0 and at most ${MAX_TIMER_MS}, not ${timeoutMs}`);
  if (!(maxRetryAfterMs >= 0 && maxRetryAfterMs <= MAX_TIMER_MS))
    throw new RangeError(`maxRetryAfterMs must be from 0 to ${MAX_TIMER_MS}, not ${maxRetryAfterMs}`);
  const options = { attempts, timeoutMs, maxRetryAfterMs, fetch };
  const client = createClient<paths>({ baseUrl, fetch: (request) => fetchWithRetry(request, options) });
  client.use({
    onRequest({ request }) {
      const value = typeof key === "function" ? key() : key;
      if (value) request.headers.set("authorization", `Bearer ${value}`);
      return request;
    },
  });
  return Object.assign(client, {
    predictPrice: (body: Schemas["Stone"], options: PriceOptions = {}) =>
      readAnswer(client.POST("/v1/predictions", { body, ...toPriceParameters(options) })),
    predictPrices: (diamonds: Schemas["Stone"][], options: PriceOptions = {}) =>
      readAnswer(client.POST("/v1/predictions/batch", { body: { diamonds }, ...toPriceParameters(options) })),
    findSimilar: (query: SimilarQuery, { signal }: CallOptions = {}) =>
      readAnswer(client.GET("/v1/diamonds/similar", { params: { query }, ...(signal && { signal }) })),
  });
}

function toPriceParameters({ signal, explain, ...query }: PriceOptions) {
  const params = { query: { ...query, ...(explain && { explain: "true" as const }) } };
  return { params, ...(signal && { signal }) };
}

/**
 * Waits for a call of the client, such as `client.GET("/v1/models")`.
 * @returns the body of the answer
 * @throws FacetError if the call did not succeed; the reason of its signal if the caller has cancelled it
 */
export async function readAnswer<Data>(
  call: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<Data> {
  const { data, error, response } = await call.catch((cause: unknown) => {
    // The connection broke within a long answer that is not JSON, or a login page came in place of JSON.
    throw cause instanceof TypeError || cause instanceof SyntaxError ? createConnectionError(cause) : cause;
  });
  if (data !== undefined) return data;
  throw createAnswerError(response, error);
}
