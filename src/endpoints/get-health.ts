import { contentJson } from "chanfana";
import { z } from "zod";
import { HEALTH_ROUTE } from "../domain/routes.ts";
import { documentErrors } from "../http/error-responses.ts";
import { InternalServerError } from "../http/errors.ts";
import { Endpoint } from "./base.ts";

const HealthResponse = z.object({ status: z.literal("ok") }).meta({ id: "HealthResponse" });

export class GetHealth extends Endpoint {
  static override readonly method = "get";
  static override readonly path = HEALTH_ROUTE;
  static override readonly scope = null;
  static override readonly logsResponseBody = true;
  override schema = {
    operationId: "getHealth",
    tags: ["Operation"],
    summary: "Check that the Worker runs",
    description: "Returns 200 while the Worker runs. It checks no database and no model.",
    responses: {
      "200": { description: "The Worker runs.", ...contentJson(HealthResponse) },
      ...documentErrors(InternalServerError),
    },
  };

  override async handle() {
    return { status: "ok" };
  }
}
