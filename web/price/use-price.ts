import { useEffect, useState } from "preact/hooks";
import { api, type CallFailed, readAnswer, type Schemas } from "../api/client.ts";
import { toCallFailed } from "../components/use-answer.ts";
import {
  type FieldName,
  findErrors,
  listSteps,
  parseNumber,
  type StoneForm,
  toPlainText,
  toStone,
} from "./stone-form.ts";

/** Stones of the training data that are shown beside a price. */
const COMPARABLE_STONES = 30;
const FIRST_RETRY_MS = 1000;
const MAX_RETRY_MS = 30_000;

export type Prediction = Schemas["PredictionResponse"];

export interface PriceState {
  /** The last price, and the form that it is for. */
  readonly answer: { readonly prediction: Prediction; readonly form: StoneForm } | null;
  /** The prices of one step up or down, for the same form. */
  readonly steps: readonly { label: string; form: StoneForm; difference: number }[];
  readonly fieldErrors: Partial<Record<FieldName, string>>;
  readonly failure: CallFailed | null;
  readonly isLoading: boolean;
}

const START: PriceState = { answer: null, steps: [], fieldErrors: {}, failure: null, isLoading: true };

/**
 * Prices the stone of a form, again for each change of it. A new call cancels the one before, so an older
 * answer never replaces a newer one. A call that fails for a passing reason is repeated.
 * @param attempt a new number repeats the call at once
 */
export function usePrice(form: StoneForm, attempt: number): PriceState {
  const [state, setState] = useState(START);
  useEffect(() => {
    const cancel = new AbortController();
    const update = (change: Partial<PriceState>) => {
      if (!cancel.signal.aborted) setState((before) => ({ ...before, ...change }));
    };
    const fieldErrors = findErrors(form);
    if (Object.keys(fieldErrors).length > 0) update({ fieldErrors, isLoading: false, failure: null });
    else void priceUntilAnswered(form, update, cancel.signal);
    return () => cancel.abort();
  }, [form, attempt]);
  return state;
}

async function priceUntilAnswered(
  form: StoneForm,
  update: (change: Partial<PriceState>) => void,
  signal: AbortSignal,
): Promise<void> {
  update({ isLoading: true });
  for (let waitMs = FIRST_RETRY_MS; !signal.aborted; waitMs = Math.min(waitMs * 2, MAX_RETRY_MS)) {
    try {
      const prediction = await readPrice(form, signal);
      update({ answer: { prediction, form }, steps: [], fieldErrors: {}, failure: null, isLoading: false });
      update({ steps: await readSteps(form, prediction.price, signal).catch(() => []) });
      return;
    } catch (error) {
      if (signal.aborted) return;
      const failure = toCallFailed(error);
      const fieldErrors = toFieldErrors(failure);
      update({
        fieldErrors,
        failure: Object.keys(fieldErrors).length > 0 ? null : failure,
        isLoading: false,
      });
      if (!failure.isTransient) return;
      await sleep(Math.max(waitMs, (failure.retryAfterSeconds ?? 0) * 1000), signal);
    }
  }
}

function readPrice(form: StoneForm, signal: AbortSignal): Promise<Prediction> {
  const asking = form.asking.trim() === "" ? {} : { asking: parseNumber(form.asking) };
  const query = {
    explain: "true",
    comparables: COMPARABLE_STONES,
    coverage: Number(form.coverage),
    ...asking,
  } as const;
  return readAnswer(api.POST("/v1/predictions", { params: { query }, body: toStone(form), signal }));
}

async function readSteps(form: StoneForm, price: number, signal: AbortSignal): Promise<PriceState["steps"]> {
  const steps = listSteps(form);
  const body = { diamonds: steps.map(({ stone }) => stone) };
  const { predictions } = await readAnswer(api.POST("/v1/predictions/batch", { body, signal }));
  return steps.map(({ label, form }, i) => ({
    label,
    form,
    difference: (predictions[i]?.price ?? price) - price,
  }));
}

function toFieldErrors({ fieldErrors }: CallFailed): Partial<Record<FieldName, string>> {
  return Object.fromEntries(fieldErrors.map(({ path, message }) => [path, toPlainText(message)]));
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
