import type { OpenAPIRouterType, RouterOptions } from "chanfana";
import type { Context } from "hono";
import { allowsAnonymous } from "../access/authorize.ts";
import { KEY_SCHEME } from "../endpoints/base.ts";
import type { AppEnv } from "../http/context.ts";

/** What the OpenAPI document says before and beside the endpoints. */
export const DOCUMENT: NonNullable<RouterOptions["schema"]> = {
  info: {
    title: "Facet",
    version: "1",
    description: `Prices diamonds, and finds comparable stones with known prices.

**Start here.** Send a stone to \`POST /v1/predictions\` and read \`price\`.

**Keys.** Send your key as \`Authorization: Bearer facet_...\`. On a local server prices need none.

**Stones.** \`carat\` is the weight (1 carat is 0.2 g). \`cut\`, \`color\` and \`clarity\` are grades, spelled as in the lists below. \`depth\` and \`table\` are percentages; \`x\`, \`y\` and \`z\` are length, width and depth in mm.

**Models.** A model is a way to compute a price that was learned from stones with known prices. You need not choose: \`champion\` answers, the best one so far. To compare, pass \`model=log-linear\`, or \`model=log-linear@3\` for one version that never changes.

**Errors** are \`application/problem+json\` (RFC 9457) throughout: \`title\` says what kind of problem it is, \`detail\` what to do, \`errors\` which fields are at fault. \`type\` is stable, for programs to compare.

**Ids.** Every answer carries \`x-request-id\`. Every request is logged under it.`,
    license: { name: "MIT", url: "https://opensource.org/license/mit" },
  },
  servers: [{ url: "/", description: "This server" }],
  tags: [
    { name: "Prices", description: "What is a stone worth?" },
    { name: "Comparable stones", description: "What are stones like it priced at?" },
    {
      name: "Fresh stones",
      description: "What were stones appraised at or sold for lately? The next model learns from them.",
    },
    { name: "Models", description: "Which models there are, how accurate they are, and which one answers." },
    { name: "Log", description: "Every request, and what came of its prices." },
    { name: "Operation", description: "For those who run the service." },
  ],
};

export const KEY_SECURITY = {
  type: "http",
  scheme: "bearer",
  bearerFormat: "facet_...",
  description:
    "A key as `npm run keys -- create` gives it out. Each operation names the scope that it needs: `predict`, `appraise` or `admin`; a key has one or more of them.",
} as const;

/** Serves the OpenAPI document, made once: with keys, and where they can be left out, saying so. */
export function serveDocument(app: Pick<OpenAPIRouterType<unknown>, "schema">) {
  const documents = new Map<boolean, string>();
  return (c: Context<AppEnv>): Response => {
    const open = allowsAnonymous(c.env);
    const document = documents.get(open) ?? JSON.stringify(open ? withoutKeys(app.schema) : app.schema);
    documents.set(open, document);
    c.var.requestContext.logsResponseBody = false;
    return c.body(document, 200, { "content-type": "application/json" });
  };
}

/** The document of a server that asks for a key only to administer. */
function withoutKeys(document: OpenAPIRouterType<unknown>["schema"]): object {
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
