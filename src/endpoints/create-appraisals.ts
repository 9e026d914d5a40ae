import { contentJson } from "chanfana";
import { z } from "zod";
import { findKnownStones, type IdentifiedStone, insertAppraisals } from "../db/registry/appraisals.ts";
import { ANONYMOUS } from "../domain/access.ts";
import { PricedStone } from "../domain/diamond.ts";
import { checkFeed, SUSPICIOUS_SHARE } from "../domain/feed-check.ts";
import { ModelReference } from "../domain/model-record.ts";
import { formatVersion } from "../domain/model-selector.ts";
import { rowText, STONE_ID_DIGITS } from "../domain/stone-id.ts";
import { stoneList } from "../domain/stone-list.ts";
import type { AppContext } from "../http/context.ts";
import { BODY_ERRORS, documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { FieldError, NotReady, ValidationFailed } from "../http/errors.ts";
import { summarizeErrors, toFieldErrors } from "../http/field-errors.ts";
import { priceByChampion } from "../inference/predict.ts";
import { strictObject } from "../lib/fields.ts";
import { sha256 } from "../lib/sha256.ts";
import { Endpoint } from "./base.ts";

const sourceError = "source must be a text of at most 200 characters";
const source = z.string({ error: sourceError }).trim().max(200, { error: sourceError }).optional().meta({
  description: "Where the prices come from, in your words.",
  example: "auction of May 2026",
});

const Check = z
  .object({
    model: ModelReference.meta({ description: "The champion that priced the same stones." }),
    rows: z.number().int().meta({ description: "Stones that were compared: those that are new." }),
    suspicious: z
      .number()
      .int()
      .meta({ description: "Stones whose price is more than half away from the champion's." }),
    medianRatio: z.number().nullable().meta({
      description: "Median of the prices sent over the median of the champion's; null where there is none.",
      example: 1.02,
    }),
    refused: z.boolean().meta({
      description: `More than ${SUSPICIOUS_SHARE * 100} % are suspicious: all new stones are quarantined.`,
    }),
  })
  .meta({ id: "FeedCheck", description: "How the prices compare with the champion's." });
type Check = z.infer<typeof Check>;

const Result = z
  .object({
    index: z.number().int().meta({ description: "Place of the stone in the list, counted from 0." }),
    id: z.string().optional().meta({
      description: "Id of the stone, made from its values; to withdraw it. Left out where it is rejected.",
      example: "9f2c4b1e8a90d3f7",
    }),
    status: z.enum(["accepted", "quarantined", "duplicate", "rejected"]),
    errors: z.array(FieldError).optional().meta({ description: "What is wrong with a rejected stone." }),
  })
  .meta({ id: "AppraisalResult" });
type Result = z.infer<typeof Result>;

const count = (text: string) => z.number().int().meta({ description: text });

const schema = {
  operationId: "createAppraisals",
  tags: ["Fresh stones"],
  summary: "Send up to 1,000 appraised diamonds",
  description: `Stones with the price that they were appraised at or sold for. The next training takes them, without being told.

Each stone is looked at on its own: \`results\` says in order what became of it. \`accepted\`: the next training takes it. \`duplicate\`: it is known already, nothing changes; so the same request can be sent twice. \`rejected\`: \`errors\` says why. Where not one is valid, nothing is kept and the answer is a 422.

**At the door** the new stones are priced by the champion. Where more than a fifth of their prices are more than half away from its own (a wrong currency, a shifted column), all new stones of the request are \`quarantined\`: kept, but left out of the training until somebody who looked at them says otherwise. \`check\` shows the comparison.`,
  request: {
    body: {
      ...contentJson(
        strictObject("the body", {
          diamonds: stoneList(PricedStone, "The stones with their prices."),
          source,
        }),
      ),
      required: true,
    },
  },
  responses: {
    "201": {
      description: "What became of each stone.",
      ...contentJson(
        z.object({
          accepted: count("Stones that the next training takes."),
          quarantined: count("Stones that are kept and not trained on."),
          duplicates: count("Stones that were known already."),
          rejected: count("Stones that are not valid or were withdrawn before."),
          check: Check.nullable().meta({
            description: "How the new prices compare with the champion's; null where nothing was compared.",
          }),
          warnings: z.array(z.string()).meta({ description: "Why stones are quarantined, in words." }),
          results: z.array(Result).meta({ description: "In the order of the stones." }),
        }),
      ),
    },
    ...documentErrors(...BODY_ERRORS, ...REGISTRY_ERRORS),
  },
};

/** What is read first: a stone that is not valid is no fault of the request. */
const envelope = {
  request: {
    body: contentJson(strictObject("the body", { diamonds: stoneList(z.unknown(), ""), source })),
  },
};

export class CreateAppraisals extends Endpoint {
  static override readonly method = "post";
  static override readonly path = "/v1/diamonds";
  static override readonly scope = "appraise";
  override schema = schema;

  override async handle(c: AppContext) {
    const { body } = await this.input(c, envelope);
    const { valid, rejected } = await sortOut(body.diamonds);
    const known = await findKnownStones(c.env.DB, [...valid.values()]);
    const fresh = new Map<string, IdentifiedStone>();
    for (const stone of valid.values()) if (!known.has(stone.id)) fresh.set(stone.id, stone);

    const stones = [...fresh.values()];
    const check = stones.length > 0 ? await checkAtTheDoor(c, stones) : null;
    const status = check?.refused ? "quarantined" : "accepted";
    const kept = await insertAppraisals(c.env.DB, stones, {
      status,
      source: [c.var.requestContext.caller ?? ANONYMOUS, body.source].filter(Boolean).join(": "),
      requestId: c.var.requestContext.id,
      receivedAt: new Date(c.var.requestContext.at).toISOString(),
    });

    const seen = new Set<string>();
    const results = body.diamonds.map((_, index): Result => {
      const stone = valid.get(index);
      if (stone === undefined) return { index, status: "rejected", errors: rejected.get(index) ?? [] };
      const { id } = stone;
      if (known.get(id) === "withdrawn") return { index, id, status: "rejected", errors: [WITHDRAWN] };
      const first = kept.has(id) && !seen.has(id);
      seen.add(id);
      return { index, id, status: first ? status : "duplicate" };
    });
    const number = (what: Result["status"]) => results.filter((result) => result.status === what).length;
    const answer = {
      accepted: number("accepted"),
      quarantined: number("quarantined"),
      duplicates: number("duplicate"),
      rejected: number("rejected"),
      check,
      warnings: check?.refused ? [explain(check)] : [],
      results,
    };
    return c.json(answer, 201);
  }
}

const WITHDRAWN = { path: "id", message: "this stone was withdrawn: no training takes it again" };

/**
 * Tells the valid stones from the others, by their place in the list.
 * @throws InvalidInput where not one is valid.
 */
async function sortOut(diamonds: readonly unknown[]) {
  const valid = new Map<number, IdentifiedStone>();
  const rejected = new Map<number, FieldError[]>();
  for (const [index, diamond] of diamonds.entries()) {
    const { success, data, error } = PricedStone.safeParse(diamond);
    if (success) valid.set(index, { ...data, id: await stoneId(data) });
    else rejected.set(index, toFieldErrors(error.issues));
  }
  if (valid.size > 0) return { valid, rejected };
  const errors = diamonds.flatMap((_, index) =>
    (rejected.get(index) ?? []).map(({ path, message }) => ({
      path: path === "" ? `diamonds.${index}` : `diamonds.${index}.${path}`,
      message,
    })),
  );
  throw new ValidationFailed(summarizeErrors(errors), { errors: errors.slice(0, 100) });
}

async function stoneId(stone: PricedStone): Promise<string> {
  return (await sha256(rowText(stone))).slice(0, STONE_ID_DIGITS);
}

/** Compares the prices with the champion's; null as long as there is no champion. */
async function checkAtTheDoor(c: AppContext, stones: readonly PricedStone[]): Promise<Check | null> {
  try {
    const { model, prices } = await priceByChampion(c, stones);
    const { refused, suspicious, rows, medianRatio } = checkFeed(
      stones.map((stone) => stone.price),
      prices,
    );
    return {
      model: { name: model.name, version: model.version },
      rows,
      suspicious,
      medianRatio: Number.isFinite(medianRatio) ? Math.round(medianRatio * 1000) / 1000 : null,
      refused,
    };
  } catch (error) {
    if (error instanceof NotReady) return null;
    throw error;
  }
}

function explain({ model, rows, suspicious, medianRatio }: Check): string {
  return `${suspicious} of ${rows} new prices are more than half away from those of ${formatVersion(model)}; the median price is ${medianRatio} times its own. The stones are kept in quarantine: only a training with --accept-feed takes them.`;
}
