import { OpenAPIRoute, type OpenAPIRouteSchema, type ValidatedData } from "chanfana";
import { z } from "zod";
import { authorize } from "../access/authorize.ts";
import type { Scope } from "../domain/access.ts";
import { readJson } from "../http/body.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors } from "../http/error-responses.ts";
import { Forbidden, MisdirectedRequest, TooManyRequests, Unauthorized } from "../http/errors.ts";
import { type IMMUTABLE, ifNoneMatchHeader, type REVALIDATE, VALIDATOR_HEADER } from "../http/etag.ts";
import { createValidationFailed } from "../http/field-errors.ts";
import { readQuery } from "../http/parameters.ts";
import { createResponse } from "../http/responses.ts";
import { sha256 } from "../lib/sha256.ts";

/** The name of the security scheme for API keys in the OpenAPI document. */
export const KEY_SCHEME = "key";

const JSON_TYPE = { "content-type": "application/json;charset=UTF-8" };
const NO_PARAMETERS = z.object({});

/**
 * An endpoint of the API: its route, documentation, input, output and behaviour. A subclass
 * declares the static members and `schema`, and implements `handle`.
 */
export abstract class Endpoint extends OpenAPIRoute<[AppContext]> {
  static readonly method: "get" | "post" | "put" | "delete";
  /** The path in the notation of hono, such as `/v1/models/:name`. */
  static readonly path: string;
  /** The scope that a key needs; null for an endpoint without a key. The default is the strictest scope. */
  static readonly scope: Scope | null = "admin";
  /**
   * Whether the request log keeps the bodies of successful answers. Keep the default for answers that show
   * the log itself and for large answers that are stored elsewhere. Problems are always logged.
   */
  static readonly logsResponseBody: boolean = false;
  /**
   * The `Cache-Control` of successful answers. An endpoint that has one answers conditional requests: its
   * answers have an ETag, and `If-None-Match` is answered with 304. Null for every other endpoint.
   */
  static readonly cacheControl: typeof REVALIDATE | typeof IMMUTABLE | null = null;

  abstract override handle(c: AppContext): Promise<Response | object>;

  /** The schema of the subclass, with the problems that all endpoints share, and those behind a key. */
  override getSchema(): OpenAPIRouteSchema {
    const { scope, cacheControl } = this.constructor as typeof Endpoint;
    const described = cacheControl === null ? this.schema : documentConditions(this.schema);
    const schema = {
      ...described,
      responses: { ...described.responses, ...documentErrors(MisdirectedRequest) },
    };
    if (scope === null) return { ...schema, security: [] };
    return {
      ...schema,
      description: `${schema.description}\n\nRequires a key with the scope \`${scope}\`.`,
      security: [{ [KEY_SCHEME]: [scope] }],
      responses: { ...schema.responses, ...documentErrors(Unauthorized, Forbidden, TooManyRequests) },
    };
  }

  override async execute(c: AppContext): Promise<Response> {
    const { path, scope, logsResponseBody, cacheControl } = this.constructor as typeof Endpoint;
    const context = c.get("requestContext");
    context.route = path;
    context.logsResponseBody = logsResponseBody;
    if (scope !== null) authorize(c, scope);
    const answer = await this.handle(c);
    if (answer instanceof Response) {
      if (cacheControl !== null) answer.headers.set("cache-control", cacheControl);
      return answer;
    }
    const text = JSON.stringify(answer);
    const headers =
      cacheControl === null
        ? JSON_TYPE
        : { ...JSON_TYPE, "cache-control": cacheControl, etag: `"${await sha256(text)}"` };
    return createResponse(c, text, { status: 200, headers });
  }

  /**
   * Validates path parameters, query, headers and body against the schema.
   * @throws MalformedBody, UnsupportedMediaType, ValidationFailed
   */
  protected async readInput<Schema extends OpenAPIRouteSchema>(
    c: AppContext,
    { request = {} }: Schema,
  ): Promise<ValidatedData<Schema>> {
    const query = request.query instanceof z.ZodObject ? request.query : NO_PARAMETERS;
    const bodySchema = request.body?.content["application/json"]?.schema;
    const headers = request.headers instanceof z.ZodObject ? request.headers : undefined;
    const { values, errors } = readQuery(c.req.url, query);
    const body = bodySchema === undefined ? undefined : readJson(c);
    const wrongShape = bodySchema && this.explainShape(body);
    if (wrongShape !== undefined) errors.push({ path: "", message: wrongShape });
    const issues: z.core.$ZodIssue[] = [];
    const data: Record<string, unknown> = {};
    const collect = (part: string, result: z.ZodSafeParseResult<unknown>) => {
      if (result.success) data[part] = result.data;
      else issues.push(...result.error.issues);
    };
    if (request.params) collect("params", request.params.safeParse(c.req.param()));
    collect("query", validateParameters(query, values));
    if (headers) collect("headers", validateParameters(headers, pickHeaders(c, headers)));
    if (bodySchema instanceof z.ZodType && !wrongShape) collect("body", bodySchema.safeParse(body));
    if (issues.length === 0 && errors.length === 0) return data as ValidatedData<Schema>;
    throw createValidationFailed(issues, errors, countStones(body));
  }

  /** Says what is wrong with the body as a whole, and where to send it; undefined if it can be validated. */
  protected explainShape(body: unknown): string | undefined {
    if (Array.isArray(body)) return "this is a list: send one JSON object";
    if (typeof body === "string" && /^\s*[{[]/.test(body))
      return "this is a text that contains JSON: send the JSON itself";
    return undefined;
  }
}

/** Adds the header `If-None-Match`, the ETag of the answer, and the status 304 to the documentation. */
function documentConditions(schema: OpenAPIRouteSchema): OpenAPIRouteSchema {
  const { request = {}, responses = {} } = schema;
  const headers = request.headers instanceof z.ZodObject ? request.headers.shape : {};
  const { "200": success, ...others } = responses;
  return {
    ...schema,
    request: { ...request, headers: z.object({ ...headers, ...ifNoneMatchHeader }) },
    responses: {
      ...(success && { "200": { ...success, headers: { ...VALIDATOR_HEADER, ...success.headers } } }),
      "304": {
        description: "The answer has not changed since the one with this ETag.",
        headers: VALIDATOR_HEADER,
      },
      ...others,
    },
  } as OpenAPIRouteSchema;
}

/** The number of stones in the body of a request; undefined if it is not a list of stones. */
function countStones(body: unknown): number | undefined {
  const { diamonds } = Object(body) as { diamonds?: unknown };
  return Array.isArray(diamonds) ? diamonds.length : undefined;
}

/** The result of each schema for parameters that are all absent: it is the same for every request. */
const resultsWithoutParameters = new WeakMap<z.ZodType, z.ZodSafeParseResult<unknown>>();

function validateParameters(
  schema: z.ZodType,
  values: Readonly<Record<string, string>>,
): z.ZodSafeParseResult<unknown> {
  if (Object.keys(values).length > 0) return schema.safeParse(values);
  const result = resultsWithoutParameters.get(schema) ?? schema.safeParse(values);
  resultsWithoutParameters.set(schema, result);
  return result;
}

/** The headers of a schema that the request has. */
function pickHeaders(c: AppContext, { shape }: z.ZodObject): Record<string, string> {
  const values: Record<string, string> = {};
  for (const name of Object.keys(shape)) {
    const value = c.req.header(name);
    if (value !== undefined) values[name] = value;
  }
  return values;
}
