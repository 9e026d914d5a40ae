import type { MiddlewareHandler } from "hono";
import { createRandom } from "../support/random.ts";
import { ApiError, refuse } from "./envelope.ts";
import type { NodeBindings } from "./http-server.ts";

/** How a call fails. */
export type Fault =
  /** An error is answered, and nothing is done. */
  | { readonly kind: "error"; readonly status: 429 | 500 | 503; readonly retryAfterSeconds?: number }
  /** The connection is closed before the call is read. */
  | { readonly kind: "connection closed before" }
  /** The call is carried out, but the connection is closed instead of an answer. */
  | { readonly kind: "answer lost" }
  /** The connection is closed after the first bytes of the body. */
  | { readonly kind: "upload breaks off" };

/** Which calls fail, and how. The first rule that applies decides. */
export interface FaultRule {
  /** Name of a call (calls.ts), or a pattern for such names. */
  readonly call: string | RegExp;
  /** Which of these calls fail, counted from 1 and from when the rule is set; or a share of them. */
  readonly which: readonly number[] | { readonly share: number; readonly seed: number };
  readonly fault: Fault;
}

/** A fault that a rule has caused. */
export interface CausedFault {
  readonly call: string;
  readonly fault: Fault;
}

const MESSAGES = {
  429: {
    code: 10429,
    message: "More than 1200 requests per 300 seconds reached. Please wait and try again.",
  },
  500: { code: 10001, message: "Internal server error." },
  503: { code: 7506, message: "The service is temporarily unavailable." },
} as const;

/** Decides which calls fail. The same rules and the same order of calls cause the same faults. */
export class Faults {
  #rules: { rule: FaultRule; count: number; random: () => number }[] = [];
  readonly caused: CausedFault[] = [];
  /** Calls that came before the time that `Retry-After` had named for calls of their name. */
  readonly early: string[] = [];
  readonly #notBefore = new Map<string, number>();

  /** Replaces the rules; their counts start at 0. */
  set(rules: readonly FaultRule[]): void {
    this.#rules = rules.map((rule) => ({
      rule,
      count: 0,
      random: createRandom("seed" in rule.which ? rule.which.seed : 0),
    }));
    this.caused.length = 0;
    this.early.length = 0;
    this.#notBefore.clear();
  }

  find(call: string): Fault | null {
    if (Date.now() < (this.#notBefore.get(call) ?? 0)) this.early.push(call);
    let found: Fault | null = null;
    for (const state of this.#rules) {
      const { rule } = state;
      const isMeant = typeof rule.call === "string" ? rule.call === call : rule.call.test(call);
      if (!isMeant) continue;
      state.count++;
      const fails =
        "share" in rule.which ? state.random() < rule.which.share : rule.which.includes(state.count);
      if (fails) found ??= rule.fault;
    }
    if (found !== null) this.caused.push({ call, fault: found });
    if (found?.kind === "error" && found.retryAfterSeconds !== undefined)
      this.#notBefore.set(call, Date.now() + found.retryAfterSeconds * 1000);
    return found;
  }
}

/** Records each call by its name, and lets those fail that a rule names. */
export function injectFaults(
  faults: Faults,
  nameCall: (c: Parameters<MiddlewareHandler>[0]) => Promise<string>,
  calls: string[],
): MiddlewareHandler<{ Bindings: NodeBindings }> {
  return async (c, next) => {
    const call = await nameCall(c);
    calls.push(call);
    const fault = faults.find(call);
    if (fault === null) return next();
    const { incoming, outgoing } = c.env;
    if (fault.kind === "error") {
      const { code, message } = MESSAGES[fault.status];
      if (fault.retryAfterSeconds !== undefined) c.header("retry-after", String(fault.retryAfterSeconds));
      return refuse(c, new ApiError(fault.status, code, message));
    }
    if (fault.kind === "upload breaks off") await c.req.raw.body?.getReader().read();
    if (fault.kind === "answer lost") await next();
    outgoing.destroy();
    incoming.destroy();
    return c.body(null);
  };
}
