import { z } from "zod";
import type { AppContext } from "./context.ts";

const error = "x-facet-key must be a text of at most 200 characters";

/** The header by which callers who ask for many others keep each of them with one version. */
export const routingKeyHeader = {
  "x-facet-key": z.string({ error }).max(200, { error }).optional().meta({
    description:
      "While two versions share the requests, the same text is always answered by the same one: an id of your customer, say. It is not logged. Left out: your key's name or your address stands for it.",
    example: "customer-4711",
  }),
};

/** What tells callers apart. It is used to choose, and kept nowhere. */
export function findRoutingKey(c: AppContext): string {
  const { caller, id } = c.var.requestContext;
  return c.req.header("x-facet-key") ?? caller ?? c.req.header("cf-connecting-ip") ?? id;
}
