import { UserError } from "../../cloudflare/user-error.ts";
import { formatDollars } from "../../src/lib/format.ts";
import { median } from "../../src/lib/statistics.ts";
import type { DatasetStone } from "../data/dataset-stone.ts";
import type { Split } from "../data/split.ts";
import { fitCompletion } from "../models/completion.ts";
import { logLinear } from "../models/log-linear.ts";
import type { TrainedModel } from "../models/trained-model.ts";
import { predictPrices } from "../onnx/predict-prices.ts";
import { computeFeatures } from "./fit.ts";

/** Stones of the training that an import is checked on. More would not change the figures. */
const MAX_CHECKED_STONES = 5_000;
/** With fewer stones, our model fits them too well to compare with. */
const MIN_CHECKED_STONES = 200;
/**
 * The largest error of an import, relative to the error of our simplest model.
 * - XGBoost: eight trees of depth 4 have about the same error as that model, and six have 1.15 times as much. Models
 *   with grades in a wrong order have 1.4 to 3.3 times as much, and their splits are checked too.
 * - ONNX: a price that depends on the weight alone has 3.5 times as much. Such a model is poor, not wrong.
 */
const MAX_ERROR_RATIO = { xgboost: 2, onnx: 5 } as const;

/** The error of an import on training stones of the run. */
export interface ImportError {
  readonly stones: readonly DatasetStone[];
  /** The import's price of each stone. */
  readonly prices: Float32Array;
  /** Mean absolute errors, US dollars: of the import, and of our log-linear model on the same stones. */
  readonly mae: number;
  readonly referenceMae: number;
}

export interface ImportCheckOptions {
  readonly kind: keyof typeof MAX_ERROR_RATIO;
  /** Import in spite of what the checks find. The findings are then notes. */
  readonly force?: boolean | undefined;
  /** Finds further faults. Returns a sentence each. */
  readonly findFaults?: (error: ImportError) => Promise<readonly string[]>;
}

/**
 * Checks that an imported model means what its owner thinks: its error on the training stones must not be far
 * above that of our simplest model. This needs no champion, so it also works in an empty registry.
 * @returns the model, with notes if it is imported in spite of faults
 * @throws UserError with all faults
 */
export async function checkImport(
  model: TrainedModel,
  split: Split,
  { kind, force, findFaults }: ImportCheckOptions,
): Promise<TrainedModel> {
  if (split.train.length < MIN_CHECKED_STONES) return model;
  const error = await measureImport(model.bytes, split.train);
  const known = (await findFaults?.(error)) ?? [];
  const faults = [
    ...known,
    ...describeLargeError(error, MAX_ERROR_RATIO[kind] * error.referenceMae, known.length > 0),
  ];
  if (faults.length === 0) return model;
  if (force) {
    const notes = faults.map((fault) => `imported with --force: ${fault}`);
    return { ...model, notes: [...(model.notes ?? []), ...notes] };
  }
  throw new UserError(
    `${model.name} does not fit the training stones: ${faults.join("; ")}. Use --force to import the model anyway`,
  );
}

async function measureImport(bytes: Uint8Array, train: readonly DatasetStone[]): Promise<ImportError> {
  const step = Math.max(1, train.length / MAX_CHECKED_STONES);
  const count = Math.min(train.length, MAX_CHECKED_STONES);
  const stones = Array.from({ length: count }, (_, i) => train[Math.floor(i * step)]!);
  const prices = await predictPrices(bytes, stones);
  const features = await computeFeatures(logLinear, fitCompletion(stones), stones);
  const target = Float32Array.from(stones, ({ price }) => price);
  const reference = await logLinear.fit({ features, prices: target }, { seed: 0 });
  return {
    stones,
    prices,
    mae: computeMeanError(prices, stones),
    referenceMae: computeMeanError(reference.predict(features), stones),
  };
}

/**
 * @param limit the largest mean absolute error, US dollars
 * @param isExplained whether other faults already say why the error is large
 */
function describeLargeError(error: ImportError, limit: number, isExplained: boolean): string[] {
  const { stones, mae, referenceMae } = error;
  if (!(mae > limit)) return [];
  const count = stones.length.toLocaleString("en-US");
  const figures =
    `the mean error on ${count} training stones is ${formatDollars(mae)}, and that of our simplest model (log-linear) ` +
    formatDollars(referenceMae);
  return [
    isExplained ? figures : `${figures}; ${findTransformation(error, limit) ?? describeUsualCauses(error)}`,
  ];
}

function describeUsualCauses({ prices, stones }: ImportError): string {
  const ratio = median(Float64Array.from(prices, (price, i) => price / stones[i]!.price));
  return (
    `its prices are ${ratio.toPrecision(2)} times the real ones in the middle. Usual causes: a logarithm of the price as ` +
    "target (--log, --log1p, --log10, --log-per-carat), grades with other codes (--categories), columns in another order (--features), " +
    "another currency, or a training on other stones"
  );
}

/** Names the logarithm that the model predicts, if its values fit as one. */
function findTransformation({ prices, stones }: ImportError, limit: number): string | null {
  const logarithms = [
    ["natural logarithms of the price: use --log", Math.exp],
    ["decimal logarithms of the price: use --log10", (value: number) => 10 ** value],
    [
      "natural logarithms of the price per carat: use --log-per-carat",
      (value: number, i: number) => Math.exp(value) * stones[i]!.carat,
    ],
  ] as const;
  const found = logarithms.find(
    ([, invert]) => computeMeanError(Float64Array.from(prices, invert), stones) <= limit,
  );
  return found === undefined
    ? null
    : `its values are ${found[0]}, or let an ONNX graph compute the price itself`;
}

/** Stones without a price do not count: a model without prices is refused elsewhere. */
function computeMeanError(prices: ArrayLike<number>, stones: readonly DatasetStone[]): number {
  let sum = 0;
  let count = 0;
  for (const [i, { price }] of stones.entries()) {
    if (Number.isNaN(prices[i]!)) continue;
    sum += Math.abs(prices[i]! - price);
    count++;
  }
  return sum / count;
}
