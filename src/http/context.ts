import type { Context } from "hono";
import type { ApiKey } from "../db/registry/keys.ts";
import type { RequestRecord } from "../db/request-log/requests.ts";
import type { ModelReference } from "../domain/model-record.ts";
import type { Problem } from "./errors.ts";

/** What is known of a request while it is answered: the response is made from it, and the log's record. */
export interface RequestContext {
  /** UUIDv7 made by the Worker; also the `x-request-id` of the response. */
  readonly id: string;
  /** When the request came, milliseconds since 1970. */
  readonly at: number;
  /** The body as far as it was read; null where the method has none. */
  body: Uint8Array | null;
  /** Name of the caller's key; null for callers without one. */
  caller: string | null;
  model: ModelReference | null;
  /** The price answered, US dollars; null where none or more than one. */
  price: number | null;
  /** Prices the same stone by a challenger, after the response; null where none is to. Never throws. */
  shadow: (() => Promise<Partial<RequestRecord>>) | null;
  /**
   * Whether the log keeps the answer's body: not where it tells what the log holds of others, and not where
   * it is the same for everybody and can be looked up.
   */
  logsResponseBody: boolean;
  /** What went wrong behind the answer, for the log alone. */
  readonly problems: string[];
}

export interface AppEnv {
  Bindings: Env;
  Variables: {
    requestContext: RequestContext;
    /** The key that was sent; why it cannot be taken; null where none was. */
    key: ApiKey | Problem | null;
  };
}

export type AppContext = Context<AppEnv>;

/** Where work may go on after the response: the part of `ExecutionContext` that is needed for it. */
export type Background = Pick<ExecutionContext, "waitUntil">;
