import { z } from "zod";
import { findReport } from "../db/registry/models.ts";
import { formatVersion } from "../domain/model-selector.ts";
import type { AppContext } from "../http/context.ts";
import { documented, OF_REGISTRY } from "../http/error-responses.ts";
import { InvalidInput, NotFound, Unavailable } from "../http/errors.ts";
import { noVersion, versionParams } from "../http/version-params.ts";
import { Endpoint } from "./base.ts";

/** The report is one file with its styles and plots inside: it loads nothing and runs nothing. */
const POLICY = [
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
  summary: "Show a version's report",
  description:
    "A page for people: prices against the real ones, errors by weight, what the prices hang on, and how the model developed.",
  request: { params: versionParams },
  responses: {
    "200": { description: "The report.", content: { "text/html": { schema: z.string() } } },
    ...documented(NotFound, InvalidInput, ...OF_REGISTRY),
  },
};

export class GetReport extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/v1/models/:name/versions/:version/report";
  static override readonly scope = "predict";
  override schema = schema;

  override async handle(c: AppContext) {
    const { params } = await this.input(c, schema);
    const key = await findReport(c.env.DB, params.name, params.version);
    if (key === undefined) throw noVersion(params);
    if (key === null) throw new NotFound(`${formatVersion(params)} has no report.`);
    const file = await c.env.MODELS.get(key).catch((cause: unknown) => {
      throw new Unavailable("The report cannot be read at the moment. Try again in a few seconds.", cause);
    });
    if (file === null) throw new NotFound(`The report of ${formatVersion(params)} is not there any more.`);
    c.var.exchange.keepsAnswer = false;
    return new Response(file.body, {
      headers: {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": POLICY,
        etag: file.httpEtag,
      },
    });
  }
}
