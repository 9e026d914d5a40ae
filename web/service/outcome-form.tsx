import { useState } from "preact/hooks";
import { api, type CallFailed, readAnswer, type Schemas } from "../api/client.ts";
import { Field } from "../components/field.tsx";
import { formatDollars } from "../components/format.ts";
import { toCallFailed } from "../components/use-answer.ts";

type Outcome = Schemas["OutcomeResponse"];
type Progress =
  | { readonly kind: "idle" | "running" }
  | { readonly kind: "failed"; readonly failure: CallFailed }
  | { readonly kind: "done"; readonly outcome: Outcome };

const EMPTY = { price: "", soldAt: "", index: "" };

/** Records the sale price of a stone, and says how the predicted price compares with it. */
export function OutcomeForm({
  id,
  isBatch,
  onRecorded,
}: {
  id: string;
  isBatch: boolean;
  onRecorded: () => void;
}) {
  const [texts, setTexts] = useState(EMPTY);
  const [progress, setProgress] = useState<Progress>({ kind: "idle" });
  const submit = async () => {
    setProgress({ kind: "running" });
    try {
      const path = { id };
      const body = toOutcomeRequest(texts);
      const call = api.POST("/v1/predictions/{id}/outcome", { params: { path }, body });
      setProgress({ kind: "done", outcome: await readAnswer(call) });
      setTexts(EMPTY);
      onRecorded();
    } catch (error) {
      setProgress({ kind: "failed", failure: toCallFailed(error) });
    }
  };
  const fieldErrors = progress.kind === "failed" ? progress.failure.fieldErrors : [];
  const bind = (name: keyof typeof EMPTY) => ({
    value: texts[name],
    error: fieldErrors.find(({ path }) => path === name)?.message,
    onText: (text: string) => setTexts({ ...texts, [name]: text }),
  });
  return (
    <form
      class="outcome-form"
      aria-label="Record a sale"
      onSubmit={(event) => {
        event.preventDefault();
        if (progress.kind !== "running") void submit();
      }}
    >
      {isBatch && <Field label="Stone" hint="position, from 0" inputMode="numeric" {...bind("index")} />}
      <Field label="Sale price" hint="$" inputMode="decimal" {...bind("price")} />
      <Field label="Date sold" hint="may be empty" type="date" {...bind("soldAt")} />
      <button type="submit">Record the sale</button>
      <p role="status" class="answer-text">
        {progress.kind === "running" && "Recording the sale…"}
        {progress.kind === "done" && describeOutcome(progress.outcome, isBatch)}
      </p>
      {progress.kind === "failed" && fieldErrors.length === 0 && (
        <p class="failure" role="alert">
          The sale was not recorded: {progress.failure.message}
        </p>
      )}
    </form>
  );
}

/** Text that is no number is sent as it is, so that the API says what is wrong with it. */
function toOutcomeRequest({ price, soldAt, index }: typeof EMPTY): Schemas["OutcomeRequest"] {
  return {
    price: toNumber(price.replace("$", "").replaceAll(",", "")),
    ...(soldAt === "" ? {} : { soldAt }),
    ...(index.trim() === "" ? {} : { index: toNumber(index) }),
  };
}

function toNumber(text: string): number {
  const number = Number(text);
  return text.trim() === "" || Number.isNaN(number) ? (text as unknown as number) : number;
}

function describeOutcome({ price, predicted, range, index, corrects }: Outcome, isBatch: boolean): string {
  const isInside = range !== null && price >= range.low && price <= range.high;
  return [
    `Recorded${isBatch ? ` for stone ${index}` : ""}: sold for ${formatDollars(price)}.`,
    `The predicted price was ${formatDollars(predicted)}.`,
    range === null
      ? "It had no range."
      : `The sale price is ${isInside ? "inside" : "outside"} the range from ${formatDollars(range.low)} to ${formatDollars(range.high)}.`,
    ...(corrects === null ? [] : [`It replaces the earlier sale price of ${formatDollars(corrects)}.`]),
  ].join(" ");
}
