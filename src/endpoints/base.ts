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

/** The name of the keys' security scheme in the OpenAPI document. */
export const KEY_SCHEME = "key";

const NO_FIELDS = strictObject("the query", {});

/**
 * An endpoint of the API: method, path, documentation, what goes in and what comes out, and what it does.
 * A subclass sets `method`, `path`, `scope` and `schema`, and answers in `handle`.
 */
export abstract class Endpoint extends OpenAPIRoute<[AppContext]> {
  static readonly method: "get" | "post" | "put" | "delete";
  /** In hono's notation: `/v1/models/:name`. */
  static readonly path: string;
  /** What a key must allow; null where none is needed. An endpoint that forgets it is closed. */
  static readonly scope: Scope | null = "admin";

  abstract override handle(c: AppContext): Promise<Response | object>;

  /** The schema with what all endpoints behind a key have in common. */
  override getSchema(): OpenAPIRouteSchema {
    const { scope } = this.constructor as typeof Endpoint;
    if (scope === null) return { ...this.schema, security: [] };
    return {
      ...this.schema,
      description: `${this.schema.description}\n\nNeeds a key with the scope \`${scope}\`.`,
      security: [{ [KEY_SCHEME]: [scope] }],
      responses: { ...this.schema.responses, ...documentErrors(Unauthorized, Forbidden, TooManyRequests) },
    };
  }

  override async execute(c: AppContext): Promise<Response> {
    const { scope } = this.constructor as typeof Endpoint;
    if (scope !== null) authorize(c, scope);
    return super.execute(c);
  }

  /**
   * The path's parameters, the query, the headers and the body, as the schema has them.
   * @throws MalformedBody, UnsupportedMediaType, InvalidInput
   */
  protected async input<Schema extends OpenAPIRouteSchema>(
    c: AppContext,
    { request = {} }: Schema,
  ): Promise<ValidatedData<Schema>> {
    const query = request.query ?? NO_FIELDS;
    const body = request.body?.content["application/json"]?.schema;
    const headers = request.headers instanceof z.ZodObject ? request.headers : undefined;
    const parts: [string, z.ZodType | undefined, unknown][] = [
      ["params", request.params, coerceInputs(c.req.param(), request.params) ?? {}],
      ["query", query, coerceInputs(new URL(c.req.url).searchParams, query) ?? {}],
      ["headers", headers, headers && pickHeaders(c, headers)],
      ["body", body instanceof z.ZodType ? body : undefined, body === undefined ? undefined : readJson(c)],
    ];
    const errors: z.core.$ZodIssue[] = [];
    const data: Record<string, unknown> = {};
    for (const [part, schema, value] of parts) {
      if (schema === undefined) continue;
      const result = schema.safeParse(value);
      if (result.success) data[part] = result.data;
      else errors.push(...result.error.issues);
    }
    if (errors.length === 0) return data as ValidatedData<Schema>;
    const fields = toFieldErrors(errors);
    throw new ValidationFailed(summarizeErrors(fields), { errors: fields });
  }
}

function pickHeaders(c: AppContext, { shape }: z.ZodObject): Record<string, string | undefined> {
  return Object.fromEntries(Object.keys(shape).map((name) => [name, c.req.header(name)]));
}
