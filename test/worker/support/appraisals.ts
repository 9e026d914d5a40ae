/** Creates stones and sends them to `POST /v1/diamonds`. */
import type { PricedStone } from "../../../src/domain/diamond.ts";
import type { Warning } from "../../../src/domain/prediction/warning.ts";
import { type Answer, call, type ProblemDetails, STONE } from "./call.ts";
import { ENV_WITH_KEYS } from "./keys.ts";

interface Result {
  index: number;
  id?: string;
  status: string;
  errors?: { path: string; message: string }[];
}

export interface AppraisalBody {
  accepted: number;
  quarantined: number;
  duplicates: number;
  rejected: number;
  check: { rows: number; suspicious: number; medianRatio: number; refused: boolean; model: object } | null;
  warnings: Warning[];
  results: Result[];
}

/** The price that the model `steep` computes for a stone. */
const computeSteepPrice = (carat: number) => 1000 * carat + 421;

/** Creates stones with rising weight. Their price is the price of `steep` times a factor. */
export const createStones = (firstCarat: number, count: number, factor = 1): PricedStone[] =>
  Array.from({ length: count }, (_, i) => {
    const carat = Math.round((firstCarat + i / 1000) * 1000) / 1000;
    return { ...STONE, carat, price: Math.round(computeSteepPrice(carat) * factor * 100) / 100 };
  });

export async function sendStones(
  headers: Record<string, string>,
  diamonds: unknown,
  extra: object = {},
  bindings: Env = ENV_WITH_KEYS,
): Promise<Answer & { body: AppraisalBody & ProblemDetails }> {
  const body = JSON.stringify({ diamonds, ...extra });
  const answer = await call("/v1/diamonds", { method: "POST", headers, body }, bindings);
  return { ...answer, body: JSON.parse(answer.text) };
}
