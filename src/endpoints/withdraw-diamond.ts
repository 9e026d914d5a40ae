import { contentJson } from "chanfana";
import { z } from "zod";
import { authorize } from "../access/authorize.ts";
import { isAppraisedBy, isKnownStone, withdrawStone } from "../db/registry/withdrawals.ts";
import { ANONYMOUS } from "../domain/access.ts";
import { STONE_ID_DIGITS } from "../domain/stone-id.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { NotFound, ValidationFailed } from "../http/errors.ts";
import { readPrimary } from "../http/registry.ts";
import { createFieldMessage, ReasonParameter } from "../lib/input/fields.ts";
import { Endpoint } from "./base.ts";

const idError = createFieldMessage(
  "id",
  `id must be the id of a stone: ${STONE_ID_DIGITS} lower-case hexadecimal digits`,
);

const Withdrawal = z
  .object({
    id: z.string().meta({ description: "Id of the stone." }),
    reason: z.string(),
    actor: z.string().meta({ description: "Name of the key that withdrew the stone." }),
    at: z.iso.datetime(),
  })
  .meta({ id: "Withdrawal" });

const schema = {
  operationId: "withdrawDiamond",
  tags: ["Fresh stones"],
  summary: "Withdraw a stone, for example a wrong appraisal",
  description: `Later training runs do not use the stone. Existing models do not change, and they still show it as a comparable stone.

The key that sent the stone can withdraw it. Any other key needs the scope \`admin\`.

\`GET /v1/diamonds/similar\` and \`POST /v1/diamonds\` return the ids of stones. If you withdraw a stone twice, the first reason is kept.`,
  request: {
    params: z.object({
      id: z
        .string()
        .regex(new RegExp(`^[0-9a-f]{${STONE_ID_DIGITS}}$`), { error: idError })
        .meta({
          description: "Id of the stone: the field `id` of its result in the answer of `POST /v1/diamonds`.",
          example: "9f2c4b1e8a90d3f7",
        }),
    }),
    query: z.object({
      reason: ReasonParameter.meta({ example: "the certificate belongs to another stone" }),
    }),
  },
  responses: {
    "200": {
      description: "The stone is withdrawn.",
      ...contentJson(Withdrawal),
    },
    ...documentErrors(ValidationFailed, NotFound, ...REGISTRY_ERRORS),
  },
};

export class WithdrawDiamond extends Endpoint {
  static override readonly method = "delete";
  static override readonly path = "/v1/diamonds/:id";
  static override readonly scope = "appraise";
  static override readonly logsResponseBody = true;
  override schema = schema;

  override async handle(c: AppContext) {
    const { params, query } = await this.readInput(c, schema);
    const actor = c.get("requestContext").caller ?? ANONYMOUS;
    if (!(await readPrimary(c, (db) => isAppraisedBy(db, params.id, actor)))) {
      // Only an administrator may learn whether the stone exists. Other callers cause no further query.
      authorize(c, "admin");
      if (!(await readPrimary(c, (db) => isKnownStone(db, params.id))))
        throw new NotFound(`There is no stone with the id ${params.id}.`);
    }
    const at = new Date(c.get("requestContext").at).toISOString();
    return withdrawStone(c.env.DB, { id: params.id, reason: query.reason, actor, at });
  }
}
