import type { Context } from "hono";
import { createDocument, type ZodOpenApiPathsObject } from "zod-openapi";
import { isAnonymousAllowed } from "../access/authorize.ts";
import { KEY_SCHEME } from "../endpoints/base.ts";
import { ENDPOINTS } from "../endpoints/index.ts";
import type { AppEnv } from "../http/context.ts";
import { addCodeSamples, SERVER_PLACE } from "./code-samples/index.ts";
import { simplifySchema } from "./simplify-schema.ts";

const INFO = {
  title: "Facet",
  version: "1",
  description: `Facet prices diamonds and finds comparable stones with known prices.

**Start here.** Send a stone to \`POST /v1/predictions\` and read \`price\` in the response.

**Keys.** Send your key in the header \`Authorization: Bearer facet_...\`. A local server needs no key for prices.

**Stones.** \`carat\` is the weight (1 carat is 0.2 g). \`cut\`, \`color\` and \`clarity\` are grades; the lists below have the valid values. \`depth\` and \`table\` are percentages. \`x\`, \`y\` and \`z\` are length, width and depth in mm. In a body, \`null\` means that a field is left out.

**Models.** A model computes prices. It is trained on stones with known prices. By default the API uses the alias \`champion\`, which points at the best model. To use another model, send \`model=log-linear\`. To use one version that never changes, send \`model=log-linear@1\`.

**Errors.** All errors have the media type \`application/problem+json\` (RFC 9457). \`title\` names the problem, \`detail\` explains how to solve it, and \`errors\` lists the invalid fields. \`type\` is stable: use it in programs.

**Request ids.** Every response has the header \`x-request-id\`. The log has the request under this id.`,
  license: { name: "MIT", url: "https://opensource.org/license/mit" },
};

const TAGS = [
  { name: "Prices", description: "Predict the price of stones." },
  { name: "Comparable stones", description: "Find similar stones with known prices." },
  {
    name: "Fresh stones",
    description: "Send or withdraw stones with known prices, for the next training.",
  },
  { name: "Models", description: "Compare models, and choose the version that an alias points at." },
  { name: "Log", description: "Search logged requests, report sale prices, and monitor the service." },
  { name: "Operation", description: "Check the health of the service." },
];

const KEY_SECURITY = {
  type: "http",
  scheme: "bearer",
  bearerFormat: "facet_...",
  description:
    "A key that was created with `npm run keys -- create`. A key has one or more scopes: `predict`, `appraise` or `admin`. Each operation names the scope that it requires.",
} as const;

/** The text of the document in two variants: keys are required, or keys are optional. Each is made on first use. */
const documents = new Map<boolean, string>();

/** Serves the OpenAPI document. Its server is the address that was asked, because clients need an absolute one. */
export function serveDocument(c: Context<AppEnv>): Response {
  const isKeyOptional = isAnonymousAllowed(c.env);
  const text = documents.get(isKeyOptional) ?? JSON.stringify(buildDocument(isKeyOptional));
  documents.set(isKeyOptional, text);
  const origin = JSON.stringify(new URL(c.req.url).origin).slice(1, -1);
  return c.body(
    text.replaceAll(SERVER_PLACE, () => origin),
    200,
    { "content-type": "application/json" },
  );
}

function buildDocument(isKeyOptional: boolean) {
  const paths: ZodOpenApiPathsObject = {};
  for (const Endpoint of ENDPOINTS) {
    const { request = {}, responses, security = [], ...operation } = new Endpoint({} as never).getSchema();
    const { params, query, headers, body } = request;
    const path = Endpoint.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = {
      ...paths[path],
      [Endpoint.method]: {
        ...operation,
        requestParams: {
          ...(params && { path: params }),
          ...(query && { query }),
          ...(headers && { header: headers }),
        },
        ...(body && { requestBody: body }),
        responses,
        security:
          isKeyOptional && Endpoint.scope !== null && Endpoint.scope !== "admin"
            ? [...security, {}]
            : security,
      },
    };
  }
  const document = createDocument(
    {
      openapi: "3.1.0",
      info: INFO,
      servers: [{ url: SERVER_PLACE, description: "This server" }],
      tags: TAGS,
      paths,
      components: { securitySchemes: { [KEY_SCHEME]: KEY_SECURITY } },
    },
    { override: simplifySchema },
  );
  return addCodeSamples(JSON.parse(JSON.stringify(document), (_, value) => removeRepeatedRule(value)));
}

/** Zod repeats the rule against further fields beside a reference that has its own description. */
function removeRepeatedRule(value: unknown): unknown {
  if (!Object.hasOwn(Object(value), "$ref")) return value;
  const { additionalProperties: _, ...reference } = value as Record<string, unknown>;
  return reference;
}
