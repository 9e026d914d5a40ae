import createClient from "openapi-fetch";
import { readKey } from "./key.ts";
import type { components, paths } from "./schema.d.ts";

export type Schemas = components["schemas"];

/** Calls the API that served this page. The key of the tab, if there is one, is sent to no other server. */
export const api = createClient<paths>({ baseUrl: location.origin });

api.use({
  onRequest({ request }) {
    const key = readKey();
    if (key !== null) request.headers.set("authorization", `Bearer ${key}`);
    return request;
  },
});

/** An answer of the API that is not a success, or no answer at all. */
export class CallFailed extends Error {
  /** Null if there was no answer. */
  readonly status: number | null;
  readonly fieldErrors: readonly Schemas["FieldError"][];
  readonly retryAfterSeconds: number | null;

  constructor(message: string, status: number | null, response?: Response, problem?: Schemas["Problem"]) {
    super(message);
    this.status = status;
    this.fieldErrors = problem?.errors ?? [];
    const seconds = Number(response?.headers.get("retry-after") ?? Number.NaN);
    this.retryAfterSeconds = Number.isFinite(seconds) ? seconds : null;
  }

  get needsKey(): boolean {
    return this.status === 401 || this.status === 403;
  }

  /** Whether the same call can succeed later. */
  get isTransient(): boolean {
    return this.status === null || this.status === 429 || this.status >= 500;
  }
}

/**
 * Waits for an answer of {@link api}.
 * @throws CallFailed, and AbortError if the caller has cancelled the call
 */
export async function readAnswer<Data>(
  call: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<Data> {
  const { data, error, response } = await call.catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new CallFailed("Facet cannot be reached. Check your connection.", null);
  });
  if (data !== undefined) return data;
  const problem = error as Partial<Schemas["Problem"]> | undefined;
  const message = problem?.detail ?? `Facet answered with the status ${response.status}.`;
  throw new CallFailed(message, response.status, response, problem as Schemas["Problem"]);
}
