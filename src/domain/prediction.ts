import { z } from "zod";
import { listMissingMeasurements, MEASUREMENTS, NUMBER_COLUMNS, type Stone } from "./diamond.ts";
import type { Ranges } from "./models/model-record.ts";

/** The price of one stone, as the API returns it. */
export const Prediction = z
  .object({
    price: z.number().positive().meta({ description: "Price in US dollars.", example: 4683.2 }),
    currency: z.literal("USD"),
    imputed: z.array(z.enum(MEASUREMENTS)).meta({
      description: "Measurements that the caller left out and the model completed.",
      example: [],
    }),
    warnings: z.array(z.string()).meta({
      description:
        "Reasons not to rely on the price, such as a value outside the range that the model was trained on.",
      example: [],
    }),
  })
  .meta({ id: "Prediction", description: "The price of one stone." });
export type Prediction = z.infer<typeof Prediction>;

/** Rounds a model's price to cents and adds the warnings; null if the price is not finite or not positive. */
export function toPrediction(stone: Stone, price: number, ranges: Ranges): Prediction | null {
  const cents = Math.round(price * 100);
  if (!Number.isFinite(cents) || cents <= 0) return null;
  return {
    price: cents / 100,
    currency: "USD",
    imputed: listMissingMeasurements(stone),
    warnings: listRangeWarnings(ranges, stone),
  };
}

/** Returns a sentence for each value outside the range of the training rows. */
export function listRangeWarnings(ranges: Ranges, stone: Stone): string[] {
  const warnings: string[] = [];
  for (const column of NUMBER_COLUMNS) {
    const value = stone[column];
    const [from, to] = ranges[column] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    if (value === undefined || (value >= from && value <= to)) continue;
    warnings.push(
      `${column} ${value} is outside the range that the model was trained on (${from} to ${to}): the price is an extrapolation.`,
    );
  }
  return warnings;
}
