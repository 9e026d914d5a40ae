import { CallFailed, patientApi, readAnswer, type Schemas } from "../api/client.ts";
import type { RowStone } from "./read-csv.ts";

/** The greatest number of stones that the API prices in one call. */
const BATCH_SIZE = 1000;

export type RowResult = { readonly prediction: Schemas["Prediction"] } | { readonly error: string };

/**
 * Prices rows batch by batch. A row that the API refuses is left out, with the reason, and its batch is sent
 * again. A call that fails for a passing reason is repeated.
 * @param onProgress is called after each batch with the number of finished rows
 * @returns a result for each row, in their order
 * @throws CallFailed if a call cannot succeed; AbortError if the signal has cancelled it
 */
export async function priceRows(
  rows: readonly RowStone[],
  onProgress: (finished: number) => void,
  signal: AbortSignal,
): Promise<RowResult[]> {
  const results: RowResult[] = [];
  for (let start = 0; start < rows.length; start += BATCH_SIZE) {
    results.push(...(await priceBatch(rows.slice(start, start + BATCH_SIZE), signal)));
    onProgress(results.length);
  }
  return results;
}

async function priceBatch(rows: readonly RowStone[], signal: AbortSignal): Promise<RowResult[]> {
  const results: (RowResult | undefined)[] = rows.map((row) => ("error" in row ? row : undefined));
  for (;;) {
    const open = rows.flatMap((row, at) =>
      "stone" in row && results[at] === undefined ? [{ at, stone: row.stone }] : [],
    );
    if (open.length === 0) return results as RowResult[];
    try {
      const { predictions } = await sendBatch(
        open.map(({ stone }) => stone),
        signal,
      );
      for (const [i, prediction] of predictions.entries()) results[open[i]!.at] = { prediction };
    } catch (error) {
      const errors = error instanceof CallFailed ? error.fieldErrors : [];
      let refused = 0;
      for (const { path, message } of errors) {
        const position = /^diamonds\.(\d+)/.exec(path)?.[1];
        const at = position === undefined ? undefined : open[Number(position)]?.at;
        if (at === undefined) continue;
        results[at] ??= { error: message };
        refused++;
      }
      if (refused === 0) throw error;
    }
  }
}

async function sendBatch(
  diamonds: readonly Record<string, string | number>[],
  signal: AbortSignal,
): Promise<Schemas["BatchResponse"]> {
  // The API reads grades in any case and says what is wrong with a value.
  const body = { diamonds: diamonds as unknown as Schemas["Stone"][] };
  return readAnswer(patientApi.POST("/v1/predictions/batch", { body, signal }));
}
