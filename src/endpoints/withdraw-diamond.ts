import { contentJson } from "chanfana";
import { z } from "zod";
import { authorize } from "../access/authorize.ts";
import { isKnownStone, wasSentBy, withdrawStone } from "../db/registry/withdrawals.ts";
import { ANONYMOUS } from "../domain/access.ts";
import { STONE_ID_DIGITS } from "../domain/stone-id.ts";
import type { AppContext } from "../http/context.ts";
import { BODY_ERRORS, documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { NotFound } from "../http/errors.ts";
import { Reason, strictObject } from "../lib/fields.ts";
import { Endpoint } from "./base.ts";

const idError = `id must be the ${STONE_ID_DIGITS} hexadecimal digits of a stone's id`;

const schema = {
  operationId: "withdrawDiamond",
  tags: ["Fresh stones"],
  summary: "Withdraw a stone, such as a wrong appraisal",
  description: `No later training takes the stone. Who sent it in can withdraw it; any other stone needs a key with the scope \`admin\`. Models that were trained with it stay as they are, and so do the comparable stones that they show.

\`GET /v1/diamonds/similar\` and \`POST /v1/diamonds\` show the id of a stone. Withdrawn twice, the first reason stays.`,
  request: {
    params: z.object({
      id: z
        .string()
        .regex(new RegExp(`^[0-9a-f]{${STONE_ID_DIGITS}}$`), { error: idError })
        .meta({ description: "Id of the stone.", example: "9f2c4b1e8a90d3f7" }),
    }),
    body: {
      ...contentJson(
        strictObject("the body", {
          reason: Reason.meta({ example: "the certificate was of another stone" }),
        }),
      ),
      required: true,
    },
  },
  responses: {
    "200": {
      description: "The stone is withdrawn.",
      ...contentJson(
        z.object({
          id: z.string(),
          reason: z.string(),
          actor: z.string().meta({ description: "Who withdrew it." }),
          at: z.iso.datetime(),
        }),
      ),
    },
    ...documentErrors(...BODY_ERRORS, NotFound, ...REGISTRY_ERRORS),
  },
};

export class WithdrawDiamond extends Endpoint {
  static override readonly method = "delete";
  static override readonly path = "/v1/diamonds/:id";
  static override readonly scope = "appraise";
  override schema = schema;

  override async handle(c: AppContext) {
    const { params, body } = await this.input(c, schema);
    const actor = c.var.requestContext.caller ?? ANONYMOUS;
    if (!(await wasSentBy(c.env.DB, params.id, actor))) {
      // Whoever may administer is told whether there is such a stone; others learn nothing, and read little.
      authorize(c, "admin");
      if (!(await isKnownStone(c.env.DB, params.id)))
        throw new NotFound(`There is no stone with the id ${params.id}.`);
    }
    const at = new Date(c.var.requestContext.at).toISOString();
    return withdrawStone(c.env.DB, { id: params.id, reason: body.reason, actor, at });
  }
}
