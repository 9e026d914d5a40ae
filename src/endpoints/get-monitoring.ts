import { contentJson } from "chanfana";
import { z } from "zod";
import { Monitoring } from "../domain/monitoring.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { ValidationFailed } from "../http/errors.ts";
import { strictObject } from "../lib/fields.ts";
import { createReport, WINDOWS, type Window } from "../monitoring/report.ts";
import { Endpoint } from "./base.ts";

const windows = Object.keys(WINDOWS) as [Window, ...Window[]];

const schema = {
  operationId: "getMonitoring",
  tags: ["Log"],
  summary: "See traffic, latency, drift and live error",
  description: `How much is asked and how it is answered; whether the stones asked about are still like those that the models were trained on (\`drift\`); and how far prices are from what stones sold for (\`live\`).

Figures are counted from the log every few minutes, by the hour: \`countedUntil\` says how far. \`/health\` and \`/ready\` are no traffic. Where there are too few stones for a verdict, it says so.`,
  request: {
    query: strictObject("the query", {
      window: z
        .enum(windows, { error: `window must be one of ${windows.join(", ")}` })
        .default("24h")
        .meta({ description: "How far back, in whole hours.", example: "24h" }),
    }),
  },
  responses: {
    "200": { description: "The figures.", ...contentJson(Monitoring) },
    ...documentErrors(ValidationFailed, ...REGISTRY_ERRORS),
  },
};

export class GetMonitoring extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/v1/monitoring";
  static override readonly scope = "admin";
  override schema = schema;

  override async handle(c: AppContext) {
    const { query } = await this.input(c, schema);
    return createReport(c.env, query.window);
  }
}
