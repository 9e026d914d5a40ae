import { contentJson } from "chanfana";
import { z } from "zod";
import { documentErrors } from "../http/error-responses.ts";
import { InternalServerError } from "../http/errors.ts";
import { Endpoint } from "./base.ts";

export class GetHealth extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/health";
  static override readonly scope = null;
  override schema = {
    operationId: "getHealth",
    tags: ["Operation"],
    summary: "Is the Worker alive?",
    description: "Answers as long as the Worker runs; looks at nothing else.",
    responses: {
      "200": { description: "Alive.", ...contentJson(z.object({ status: z.literal("ok") })) },
      ...documentErrors(InternalServerError),
    },
  };

  override async handle() {
    return { status: "ok" };
  }
}
