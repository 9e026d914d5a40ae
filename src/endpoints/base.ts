import { coerceInputs, OpenAPIRoute, type OpenAPIRouteSchema, type ValidatedData } from "chanfana";
import { z } from "zod";
import { authorize } from "../access/authorize.ts";
import type { Scope } from "../domain/access.ts";
import { readJson } from "../http/body.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors } from "../http/error-responses.ts";
import { Forbidden, TooManyRequests, Unauthorized, ValidationFailed } from "../http/errors.ts";
import { summarizeErrors, toFieldErrors } from "../http/field-errors.ts";
import { strictObject } from "../lib/fields.ts";

/** The name of the security scheme for API keys in the OpenAPI document. */
export const KEY_SCHEME = "key";

const NO_PARAMETERS = strictObject("the query", {});

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

  abstract override handle(c: AppContext): Promise<Response | object>;

  /** The schema of the subclass, with the documentation that all endpoints behind a key share. */
  override getSchema(): OpenAPIRouteSchema {
    const { scope } = this.constructor as typeof Endpoint;
    if (scope === null) return { ...this.schema, security: [] };
    return {
      ...this.schema,
      description: `${this.schema.description}\n\nRequires a key with the scope \`${scope}\`.`,
      security: [{ [KEY_SCHEME]: [scope] }],
      responses: { ...this.schema.responses, ...documentErrors(Unauthorized, Forbidden, TooManyRequests) },
    };
  }

  override async execute(c: AppContext): Promise<Response> {
    const { scope, logsResponseBody } = this.constructor as typeof Endpoint;
    c.var.requestContext.logsResponseBody = logsResponseBody;
    if (scope !== null) authorize(c, scope);
    return super.execute(c);
  }

  /**
   * Validates path parameters, query, headers and body against the schema.
   * @throws MalformedBody, UnsupportedMediaType, ValidationFailed
   */
  protected async readInput<Schema extends OpenAPIRouteSchema>(
    c: AppContext,
    { request = {} }: Schema,
  ): Promise<ValidatedData<Schema>> {
    const query = request.query ?? NO_PARAMETERS;
    const body = request.body?.content["application/json"]?.schema;
    const headers = request.headers instanceof z.ZodObject ? request.headers : undefined;
    const parts: [string, z.ZodType | undefined, unknown][] = [
      ["params", request.params, coerceInputs(c.req.param(), request.params) ?? {}],
      ["query", query, coerceInputs(new URL(c.req.url).searchParams, query) ?? {}],
      ["headers", headers, headers && pickHeaders(c, headers)],
      ["body", body instanceof z.ZodType ? body : undefined, body === undefined ? undefined : readJson(c)],
    ];
    const issues: z.core.$ZodIssue[] = [];
    const data: Record<string, unknown> = {};
    for (const [part, schema, value] of parts) {
      if (schema === undefined) continue;
      const result = schema.safeParse(value);
      if (result.success) data[part] = result.data;
      else issues.push(...result.error.issues);
    }
    if (issues.length === 0) return data as ValidatedData<Schema>;
    const errors = toFieldErrors(issues);
    throw new ValidationFailed(summarizeErrors(errors), { errors });
  }
}

function pickHeaders(c: AppContext, { shape }: z.ZodObject): Record<string, string | undefined> {
  return Object.fromEntries(Object.keys(shape).map((name) => [name, c.req.header(name)]));
}
