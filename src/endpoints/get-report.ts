import { z } from "zod";
import { findReportKey } from "../db/registry/models.ts";
import { formatVersion } from "../domain/models/model-reference.ts";
import { REPORT_ROUTE } from "../domain/routes.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { NotFound, ServiceUnavailable, ValidationFailed } from "../http/errors.ts";
import { IMMUTABLE } from "../http/etag.ts";
import { readImmutable } from "../http/registry.ts";
import { createVersionNotFound, versionParams } from "../http/version-params.ts";
import { Endpoint } from "./base.ts";

/** The report is one file that contains its styles and plots. It loads no other file and runs no script. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "sandbox",
].join("; ");

const schema = {
  operationId: "getReport",
  tags: ["Models"],
  summary: "Get the report of a version",
  description:
    "Returns an HTML page for people. It compares predicted prices with real prices, and shows the error by weight, the importance of each input, and the accuracy of earlier versions.",
  request: { params: versionParams },
  responses: {
    "200": { description: "The report as an HTML page.", content: { "text/html": { schema: z.string() } } },
    ...documentErrors(NotFound, ValidationFailed, ...REGISTRY_ERRORS),
  },
};

export class GetReport extends Endpoint {
  static override readonly method = "get";
  static override readonly path = REPORT_ROUTE;
  static override readonly scope = "predict";
  static override readonly cacheControl = IMMUTABLE;
  override schema = schema;

  override async handle(c: AppContext) {
    const { params } = await this.readInput(c, schema);
    const key = await readImmutable(
      c,
      (db) => findReportKey(db, params.name, params.version),
      (found) => found === undefined,
    );
    if (key === undefined) throw createVersionNotFound(params);
    if (key === null) throw new NotFound(`${formatVersion(params)} has no report.`);
    const file = await c.env.MODELS.get(key).catch((cause: unknown) => {
      throw new ServiceUnavailable(
        "The report cannot be read at the moment. Try again in a few seconds.",
        cause,
      );
    });
    if (file === null) throw new NotFound(`The report of ${formatVersion(params)} was deleted.`);
    return new Response(file.body, {
      headers: {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": CONTENT_SECURITY_POLICY,
        etag: file.httpEtag,
      },
    });
  }
}
