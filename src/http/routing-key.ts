import { z } from "zod";
import type { AppContext } from "./context.ts";

const error = "x-facet-key must be a string of at most 200 characters";

/** A caller that acts for many customers sends this header to keep each of them on one model version. */
export const routingKeyHeader = {
  "x-facet-key": z.string({ error }).max(200, { error }).optional().meta({
    description:
      "Any text that identifies your customer, such as a customer number. During a canary release, the same key is always answered by the same model version. It is not logged. Without it, the name of your API key or your address is used.",
  }),
};

/** The text that decides which version answers a caller during a canary release. It is never stored. */
export function findRoutingKey(c: AppContext): string {
  const { caller, id } = c.get("requestContext");
  return c.req.header("x-facet-key") ?? caller ?? c.req.header("cf-connecting-ip") ?? id;
}
