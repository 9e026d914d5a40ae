import {
  formatDifference,
  formatDollars,
  formatPercent,
  formatPercentDifference,
} from "../components/format.ts";
import { COVERAGES, type FieldName, type StoneForm } from "./stone-form.ts";
import type { Prediction, PriceState } from "./use-price.ts";

const GROUP_NAMES = {
  size: "size",
  cut: "cut",
  color: "colour",
  clarity: "clarity",
  proportions: "proportions",
} as const;

interface AnswerProps {
  readonly prediction: Prediction;
  readonly form: StoneForm;
  readonly onChange: (change: Partial<StoneForm>) => void;
}

/** The range of a price, as a sentence and as a bar. */
export function PriceRange({ prediction: { price, range }, form, onChange }: AnswerProps) {
  if (range === null) return <p class="muted">This model cannot say how sure the price is.</p>;
  const at = ((price - range.low) / (range.high - range.low)) * 100;
  return (
    <div class="range">
      <p>
        Most stones like it sell between <strong>{formatDollars(range.low)}</strong> and{" "}
        <strong>{formatDollars(range.high)}</strong>.
      </p>
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect y="2" width="100" height="2" class="bar" />
        <rect x={Math.min(Math.max(at, 0), 99)} width="1" height="6" class="mark" />
      </svg>
      <label class="small muted">
        “Most” means{" "}
        <select value={form.coverage} onChange={(event) => onChange({ coverage: event.currentTarget.value })}>
          {COVERAGES.map((coverage) => (
            <option key={coverage} value={coverage}>
              {formatPercent(Number(coverage))}
            </option>
          ))}
        </select>{" "}
        of them.
      </label>
    </div>
  );
}

/** Where an asking price lies among the prices of such stones. */
export function AskingPrice({ asking }: { asking: Prediction["asking"] }) {
  if (asking === undefined || asking.percentile === null) return null;
  // The calibration says nothing about the last percent.
  const dearer = Math.min(asking.percentile, 0.99);
  const cheaper = Math.min(1 - asking.percentile, 0.99);
  return (
    <p>
      {formatDollars(asking.price)} is{" "}
      {cheaper >= 0.5
        ? `cheaper than ${formatPercent(cheaper)} of stones like it.`
        : `dearer than ${formatPercent(dearer)} of stones like it.`}
    </p>
  );
}

/** The reasons for a price as a waterfall chart: from the price of a typical stone to that of this one. */
export function Reasons({ prediction: { price, explanation } }: Pick<AnswerProps, "prediction">) {
  if (!explanation) return <p class="muted">No reasons can be given for this price.</p>;
  const { basePrice, reasons } = explanation;
  let total = basePrice;
  const rows = reasons.map((reason) => {
    const from = total;
    total += reason.amount;
    return { ...reason, from, to: total };
  });
  const ends = [0, basePrice, price, ...rows.map(({ to }) => to)];
  const min = Math.min(...ends);
  const scale = 100 / (Math.max(...ends) - min);
  const bar = (from: number, to: number, kind: string) => (
    <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
      <rect
        class={kind}
        x={(Math.min(from, to) - min) * scale}
        width={Math.max(Math.abs(to - from) * scale, 0.4)}
        height="10"
      />
    </svg>
  );
  return (
    <>
      <table class="reasons">
        <caption>Why it costs that</caption>
        <tbody>
          <tr>
            <th scope="row">a typical stone</th>
            <td>{formatDollars(basePrice)}</td>
            <td />
            <td class="chart">{bar(0, basePrice, "total")}</td>
          </tr>
          {rows.map(({ feature, value, amount, factor, text, from, to }) => (
            <tr key={feature} title={text}>
              <th scope="row">
                {GROUP_NAMES[feature]} <span class="muted">{value}</span>
              </th>
              <td>{formatDifference(amount)}</td>
              <td class="muted">{formatPercentDifference(factor)}</td>
              <td class="chart">{bar(from, to, amount < 0 ? "less" : "more")}</td>
            </tr>
          ))}
          <tr class="sum">
            <th scope="row">this stone</th>
            <td>{formatDollars(price)}</td>
            <td />
            <td class="chart">{bar(0, price, "total")}</td>
          </tr>
        </tbody>
      </table>
      <p class="small muted">A typical stone is the average of those that the model learned from.</p>
    </>
  );
}

/** What the stone would cost with one grade or a little weight more or less. A click prices that stone. */
export function Steps({
  steps,
  onChange,
}: {
  steps: PriceState["steps"];
  onChange: AnswerProps["onChange"];
}) {
  return (
    <section class="steps" aria-label="One step up or down">
      <h2>One step up or down</h2>
      <ul>
        {steps.map(({ label, form, difference }) => (
          <li key={label}>
            <button type="button" class="quiet" onClick={() => onChange(form)}>
              {label} <strong>{formatDifference(difference)}</strong>
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The doubts by the control that they are about. A doubt about no control is returned under "carat". */
export function groupDoubts(prediction: Prediction | undefined): Partial<Record<FieldName, string[]>> {
  const doubts: Partial<Record<FieldName, string[]>> = {};
  for (const { fields, message } of prediction?.warnings ?? []) {
    // The weight is rarely the value that is wrong, and it is in nearly every doubt.
    const name = fields.find((field) => field !== "carat") ?? "carat";
    doubts[name] = [...(doubts[name] ?? []), message];
  }
  return doubts;
}
