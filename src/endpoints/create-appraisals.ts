import { contentJson } from "chanfana";
import { z } from "zod";
import { findKnownStones, type IdentifiedStone, insertAppraisals } from "../db/registry/appraisals.ts";
import { ANONYMOUS } from "../domain/access.ts";
import { EXAMPLE_STONE, PricedStone } from "../domain/diamond.ts";
import { findContradictions } from "../domain/measurements/find-contradictions.ts";
import { Warning } from "../domain/prediction/warning.ts";
import { formatRow, isRounded, roundStone, STONE_ID_DIGITS } from "../domain/stone-id.ts";
import { isSingleStone, stoneListField } from "../domain/stone-list.ts";
import type { AppContext } from "../http/context.ts";
import { BODY_ERRORS, documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { FieldError } from "../http/errors.ts";
import { createValidationFailed, type FieldErrors, toFieldErrors } from "../http/field-errors.ts";
import { readPrimary } from "../http/registry.ts";
import {
  compareWithChampion,
  describeQuarantine,
  FeedCheckResult,
  MAX_SUSPICIOUS_PERCENT,
  MEDIAN_RULE,
  SUSPICIOUS_DEVIATION_PERCENT,
} from "../inference/feed-check.ts";
import { createFieldMessage, optionalField, strictObject } from "../lib/input/fields.ts";
import { sha256 } from "../lib/sha256.ts";
import { Endpoint } from "./base.ts";

const sourceError = createFieldMessage("source", "source must be a text of at most 200 characters");
const source = optionalField(z.string({ error: sourceError }).trim().max(200, { error: sourceError })).meta({
  description: "Where the prices come from, in your own words.",
  example: "auction of May 2026",
});

const Result = z
  .object({
    index: z.number().int().meta({ description: "Position of the stone in the request, counted from 0." }),
    id: z.string().optional().meta({
      description:
        "Id of the stone: a hash of its values. Use it to withdraw the stone. A stone with invalid or contradicting values has no id.",
      example: "9f2c4b1e8a90d3f7",
    }),
    status: z.enum(["accepted", "quarantined", "duplicate", "rejected"]),
    errors: z
      .array(FieldError)
      .optional()
      .meta({ description: "Why the stone was rejected. Present only if it was." }),
    moreErrors: z.number().int().optional().meta({
      description:
        "Number of further errors of the stone that are not listed. Present only if there are any.",
    }),
  })
  .meta({ id: "AppraisalResult" });
type Result = z.infer<typeof Result>;

const countField = (description: string) => z.number().int().meta({ description });

const AppraisalsRequest = strictObject("the body", {
  diamonds: stoneListField(PricedStone, "The stones and their prices."),
  source,
}).meta({
  id: "AppraisalsRequest",
  example: { diamonds: [{ ...EXAMPLE_STONE, price: 4677 }], source: "auction of May 2026" },
});

const AppraisalsResponse = z
  .object({
    accepted: countField("Number of stones that passed the feed check."),
    quarantined: countField("Number of stones that are stored but not used for training."),
    duplicates: countField("Number of stones that were known already."),
    rejected: countField("Number of stones that are invalid, contradict themselves, or were withdrawn."),
    check: FeedCheckResult.nullable().meta({
      description:
        "Comparison of the new prices with the champion's. Null without new stones or without a champion.",
    }),
    warnings: z.array(Warning).meta({ description: "Explains why the stones are quarantined." }),
    results: z.array(Result).meta({ description: "One result per stone, in the order of the request." }),
  })
  .meta({ id: "AppraisalsResponse" });

const schema = {
  operationId: "createAppraisals",
  tags: ["Fresh stones"],
  summary: "Send up to 1,000 appraised diamonds",
  description: `Send stones with the price at which they were appraised or sold. The next training run uses them automatically.

**Results**: Each stone is checked separately. \`results\` has one status per stone, in the order of the request:

- \`accepted\`: the next training run checks the stone again, together with all other new stones of your key, and then uses it.
- \`duplicate\`: the stone is known already, and nothing changes. You can safely send the same request again. Stones are compared in thousandths of a carat, a percent and a millimetre, and in cents.
- \`rejected\`: the stone is invalid or was withdrawn. \`errors\` says why. A stone is also rejected if its measurements contradict each other by a factor: fractions instead of percent, centimetres or inches, grams, or exchanged columns.
- \`quarantined\`: the feed check failed. The stone is stored, but training does not use it.

If no stone has valid values, nothing is stored and the response is a 422. Stones that were withdrawn or contradict themselves are answered one by one in a 201, even if there are no others.

**Feed check**: The champion prices the new stones. If more than ${MAX_SUSPICIOUS_PERCENT} % of the prices differ from the champion's by more than ${SUSPICIOUS_DEVIATION_PERCENT} %, all new stones of the request are quarantined. The same happens if ${MEDIAN_RULE}. Typical causes are a wrong currency or a shifted column. \`check\` shows the comparison. An operator can review the stones and accept them for training.

**Each training run** makes the same check for all new stones of a key together, and for its stones of each carat band and grade. It takes at most a tenth as many stones from a key as it has from others (in a small registry: 100). The stones beyond this are quarantined until an operator accepts them.`,
  request: {
    body: {
      ...contentJson(AppraisalsRequest),
      required: true,
    },
  },
  responses: {
    "201": {
      description: "The status of each stone.",
      ...contentJson(AppraisalsResponse),
    },
    ...documentErrors(...BODY_ERRORS, ...REGISTRY_ERRORS),
  },
};

/** Checks the body, but not the stones in it: an invalid stone must not fail the whole request. */
const bodyWithoutStones = {
  request: {
    body: contentJson(strictObject("the body", { diamonds: stoneListField(z.unknown(), ""), source })),
  },
};

export class CreateAppraisals extends Endpoint {
  static override readonly method = "post";
  static override readonly path = "/v1/diamonds";
  static override readonly scope = "appraise";
  static override readonly logsResponseBody = true;
  override schema = schema;

  protected override explainShape(body: unknown): string | undefined {
    if (Array.isArray(body)) return 'this is a list: send {"diamonds": [...]}';
    if (isSingleStone(body)) return 'this is one stone: send {"diamonds": [stone]}';
    return super.explainShape(body);
  }

  override async handle(c: AppContext) {
    const { body } = await this.readInput(c, bodyWithoutStones);
    const { valid, former, rejected } = await validateStones(body.diamonds);
    const known = await readPrimary(c, (db) => findKnownStones(db, [...valid.values(), ...former.values()]));
    for (const [index, stone] of former) if (known.has(stone.id)) valid.set(index, stone);
    const contradictory = findContradictoryStones(valid);
    const newStones = new Map<string, IdentifiedStone>();
    for (const [index, stone] of valid)
      if (!known.has(stone.id) && !contradictory.has(index)) newStones.set(stone.id, stone);

    const stones = [...newStones.values()];
    const check = stones.length > 0 ? await compareWithChampion(c, stones) : null;
    const failure = check?.failure ?? null;
    const status = failure === null ? "accepted" : "quarantined";
    const caller = c.get("requestContext").caller ?? ANONYMOUS;
    const storedIds = await insertAppraisals(c.env.DB, stones, {
      failure,
      source: [caller, body.source].filter(Boolean).join(": "),
      requestId: c.get("requestContext").id,
      receivedAt: new Date(c.get("requestContext").at).toISOString(),
    });
    if (failure !== null && storedIds.size > 0) {
      const alert = { message: "appraisals quarantined", caller, stones: storedIds.size, ...failure };
      console.warn(JSON.stringify(alert));
    }

    const reportedIds = new Set<string>();
    const results = body.diamonds.map((_, index): Result => {
      const stone = valid.get(index);
      if (stone === undefined) {
        const { errors = [], moreErrors = 0 } = rejected.get(index) ?? {};
        return { index, status: "rejected", errors, ...(moreErrors > 0 && { moreErrors }) };
      }
      const { id } = stone;
      if (known.get(id) === "withdrawn") return { index, id, status: "rejected", errors: [WITHDRAWN] };
      const contradiction = contradictory.get(index);
      if (contradiction !== undefined && !known.has(id))
        return { index, status: "rejected", errors: [contradiction] };
      const isNew = storedIds.has(id) && !reportedIds.has(id);
      reportedIds.add(id);
      return { index, id, status: isNew ? status : "duplicate" };
    });
    const countByStatus = (status: Result["status"]) =>
      results.filter((result) => result.status === status).length;
    return c.json(
      {
        accepted: countByStatus("accepted"),
        quarantined: countByStatus("quarantined"),
        duplicates: countByStatus("duplicate"),
        rejected: countByStatus("rejected"),
        check: check?.result ?? null,
        warnings: failure === null ? [] : [describeQuarantine(failure)],
        results,
      },
      201,
    );
  }
}

const WITHDRAWN = { path: "id", message: "this stone was withdrawn and cannot be added again" };

/**
 * Separates valid stones from invalid ones. The keys of the maps are the positions in the request. Valid stones
 * are rounded. `former` has the stones as they were sent, if rounding changes them: a stone that was stored
 * before values were rounded has this id.
 * @throws ValidationFailed if no stone is valid.
 */
async function validateStones(diamonds: readonly unknown[]) {
  const valid = new Map<number, IdentifiedStone>();
  const former = new Map<number, IdentifiedStone>();
  const rejected = new Map<number, FieldErrors>();
  const issues: z.core.$ZodIssue[] = [];
  for (const [index, diamond] of diamonds.entries()) {
    const { success, data, error } = PricedStone.safeParse(diamond);
    if (success) {
      valid.set(index, await identifyStone(roundStone(data)));
      if (!isRounded(data)) former.set(index, await identifyStone(data));
    } else {
      rejected.set(index, toFieldErrors(error.issues));
      for (const issue of error.issues) issues.push({ ...issue, path: ["diamonds", index, ...issue.path] });
    }
  }
  if (valid.size > 0) return { valid, former, rejected };
  throw createValidationFailed(issues, [], diamonds.length);
}

/** Finds the errors of stones whose measurements contradict each other, by the position in the request. */
function findContradictoryStones(
  stones: ReadonlyMap<number, PricedStone>,
): ReadonlyMap<number, z.infer<typeof FieldError>> {
  const contradictions = findContradictions([...stones.values()]);
  return new Map(
    [...stones.keys()].flatMap((index, i) => {
      const contradiction = contradictions[i];
      if (!contradiction) return [];
      const { columns, message } = contradiction;
      return [[index, { path: columns[0] ?? "", message }] as const];
    }),
  );
}

async function identifyStone(stone: PricedStone): Promise<IdentifiedStone> {
  return { ...stone, id: (await sha256(formatRow(stone))).slice(0, STONE_ID_DIGITS) };
}
