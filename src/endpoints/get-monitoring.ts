import { contentJson } from "chanfana";
import { z } from "zod";
import { listBaselines } from "../db/registry/baselines.ts";
import { Monitoring } from "../domain/monitoring.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { ValidationFailed } from "../http/errors.ts";
import { REVALIDATE } from "../http/etag.ts";
import { readReplica } from "../http/registry.ts";
import { choiceField } from "../lib/input/fields.ts";
import { createReport, WINDOWS, type Window } from "../monitoring/report.ts";
import { Endpoint } from "./base.ts";

const windows = Object.keys(WINDOWS) as [Window, ...Window[]];

const schema = {
  operationId: "getMonitoring",
  tags: ["Log"],
  summary: "Get traffic, latency, drift and live error",
  description: `**Traffic**: number of requests, errors, and latency. \`/health\` and \`/ready\` are not counted.

**Drift** (\`drift\`): how much the priced stones differ from the training data of the model.

**Live error** (\`live\`): how much the predicted prices differ from the reported sale prices.

The figures are counted per hour. They are updated from the log every few minutes; \`countedUntil\` is the time of the last update. With too few stones, the verdict is \`not enough data\`.`,
  request: {
    query: z.object({
      window: choiceField("window", windows)
        .default("24h")
        .meta({ description: "Length of the time window up to now, in whole hours." }),
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
  static override readonly logsResponseBody = true;
  static override readonly cacheControl = REVALIDATE;
  override schema = schema;

  override async handle(c: AppContext) {
    const { query } = await this.readInput(c, schema);
    return createReport(c.env, query.window, Date.now(), (versions) =>
      readReplica(c, (db) => listBaselines(db, versions)),
    );
  }
}
