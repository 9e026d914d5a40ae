import type { OpenAPIRouterType, RouterOptions } from "chanfana";
import type { Context } from "hono";
import { isAnonymousAllowed } from "../access/authorize.ts";
import { KEY_SCHEME } from "../endpoints/base.ts";
import type { AppEnv } from "../http/context.ts";

/** The parts of the OpenAPI document that belong to no single endpoint. */
export const DOCUMENT: NonNullable<RouterOptions["schema"]> = {
  info: {
    title: "Facet",
    version: "1",
    description: `Facet prices diamonds and finds comparable stones with known prices.

**Start here.** Send a stone to \`POST /v1/predictions\` and read \`price\` in the response.

**Keys.** Send your key in the header \`Authorization: Bearer facet_...\`. A local server needs no key for prices.

**Stones.** \`carat\` is the weight (1 carat is 0.2 g). \`cut\`, \`color\` and \`clarity\` are grades; the lists below have the valid values. \`depth\` and \`table\` are percentages. \`x\`, \`y\` and \`z\` are length, width and depth in mm.

**Models.** A model computes prices. It is trained on stones with known prices. By default the API uses the alias \`champion\`, which points at the best model. To use another model, send \`model=log-linear\`. To use one version that never changes, send \`model=log-linear@3\`.

**Errors.** All errors have the media type \`application/problem+json\` (RFC 9457). \`title\` names the problem, \`detail\` explains how to solve it, and \`errors\` lists the invalid fields. \`type\` is stable: use it in programs.

**Request ids.** Every response has the header \`x-request-id\`. The log has the request under this id.`,
    license: { name: "MIT", url: "https://opensource.org/license/mit" },
  },
  servers: [{ url: "/", description: "This server" }],
  tags: [
    { name: "Prices", description: "Predict the price of stones." },
    { name: "Comparable stones", description: "Find similar stones with known prices." },
    {
      name: "Fresh stones",
      description: "Send or withdraw stones with known prices, for the next training.",
    },
    { name: "Models", description: "Compare models, and choose the version that an alias points at." },
    { name: "Log", description: "Search logged requests, report sale prices, and monitor the service." },
    { name: "Operation", description: "Check the health of the service." },
  ],
};

export const KEY_SECURITY = {
  type: "http",
  scheme: "bearer",
  bearerFormat: "facet_...",
  description:
    "A key that was created with `npm run keys -- create`. A key has one or more scopes: `predict`, `appraise` or `admin`. Each operation names the scope that it requires.",
} as const;

/** Serves the OpenAPI document in one of two variants: keys are required, or keys are optional. */
export function serveDocument(app: Pick<OpenAPIRouterType<unknown>, "schema">) {
  const documents = new Map<boolean, string>();
  return (c: Context<AppEnv>): Response => {
    const isKeyOptional = isAnonymousAllowed(c.env);
    const document =
      documents.get(isKeyOptional) ??
      JSON.stringify(isKeyOptional ? makeKeysOptional(app.schema) : app.schema);
    documents.set(isKeyOptional, document);
    return c.body(document, 200, { "content-type": "application/json" });
  };
}

/** Marks the key as optional for every operation that does not need the scope `admin`. */
function makeKeysOptional(document: OpenAPIRouterType<unknown>["schema"]): object {
  for (const path of Object.values(document.paths ?? {})) {
    for (const { security } of Object.values(
      path as Record<string, { security?: Record<string, string[]>[] }>,
    )) {
      const scopes = security?.[0]?.[KEY_SCHEME];
      if (scopes !== undefined && !scopes.includes("admin")) security?.push({});
    }
  }
  return document;
}
