import { useEffect, useMemo, useState } from "preact/hooks";
import { formatDollars, formatTime } from "../components/format.ts";
import { Header } from "../components/header.tsx";
import { KeyForm } from "../components/key-form.tsx";
import { AskingPrice, groupDoubts, PriceRange, Reasons, Steps } from "./answer.tsx";
import { toCurl, toTypeScript } from "./code-examples.ts";
import { CopyButton } from "./copy-button.tsx";
import { Inputs, NumberField } from "./inputs.tsx";
import { LABELS, parseNumber, readForm, type StoneForm, toPlainText, toQuery } from "./stone-form.ts";
import { StonesLikeIt } from "./stones-like-it.tsx";
import { type PriceState, usePrice } from "./use-price.ts";

/** The page that prices one stone. */
export function PricePage() {
  const [form, setForm] = useState(() => readForm(location.search));
  const [attempt, setAttempt] = useState(0);
  const state = usePrice(form, attempt);
  const { answer, fieldErrors } = state;
  const change = (values: Partial<StoneForm>) => setForm((before) => ({ ...before, ...values }));
  useEffect(() => history.replaceState(null, "", `?${toQuery(form)}`), [form]);
  const doubts = useMemo(() => {
    const grouped = groupDoubts(answer?.prediction);
    return Object.fromEntries(Object.entries(grouped).map(([name, texts]) => [name, texts.map(toPlainText)]));
  }, [answer]);
  const isCurrent = answer !== null && state.failure === null && Object.keys(fieldErrors).length === 0;
  const inputs = { form, errors: fieldErrors, doubts, onChange: change };
  return (
    <>
      <Header current="/" />
      <main>
        <h1 class="visually-hidden">Price a stone</h1>
        <div class="columns">
          <section class="answer" aria-label="The price" aria-busy={state.isLoading}>
            <Status state={state} onRetry={() => setAttempt(attempt + 1)} />
            {answer !== null && (
              <div class={isCurrent ? "" : "outdated"}>
                <p class="price" role="status">
                  {formatDollars(answer.prediction.price)}
                </p>
                <p class="print-only">
                  {describeStone(answer.form)}. Priced on {formatTime(new Date().toISOString())}.
                </p>
                <PriceRange prediction={answer.prediction} form={form} onChange={change} />
              </div>
            )}
          </section>
          <Inputs {...inputs} />
          {answer !== null && (
            <section class={isCurrent ? "details" : "details outdated"} aria-label="Why">
              <div class="asking no-print">
                <NumberField {...inputs} name="asking" unit="$, what a customer or a shop asks" />
                <AskingPrice asking={answer.prediction.asking} />
              </div>
              <Reasons prediction={answer.prediction} />
              <Actions form={form} />
              <p class="small muted source">
                Priced by{" "}
                <code>
                  {answer.prediction.model.name}@{answer.prediction.model.version}
                </code>
                , request <code>{answer.prediction.id}</code>
              </p>
            </section>
          )}
        </div>
        {answer !== null && (
          <div class={isCurrent ? "" : "outdated"}>
            {state.steps.length > 0 && <Steps steps={state.steps} onChange={change} />}
            <StonesLikeIt prediction={answer.prediction} carat={parseNumber(answer.form.carat)} />
          </div>
        )}
      </main>
    </>
  );
}

function Status({ state, onRetry }: { state: PriceState; onRetry: () => void }) {
  const { failure, answer, fieldErrors } = state;
  if (failure?.needsKey) return <KeyForm failure={failure} onKey={onRetry} />;
  if (failure !== null)
    return (
      <p class="failure" role="alert">
        {answer === null ? "" : "Not up to date: "}
        {failure.message} {failure.isTransient && "Facet tries again by itself. "}
        <button type="button" onClick={onRetry}>
          Try again now
        </button>
      </p>
    );
  if (Object.keys(fieldErrors).length > 0)
    return <p class="failure">{answer === null ? "" : "Not up to date: "}correct the marked field.</p>;
  return answer === null ? <p class="muted">Pricing…</p> : null;
}

function Actions({ form }: { form: StoneForm }) {
  const link = () => `${location.origin}/?${toQuery(form)}`;
  return (
    <div class="actions no-print">
      <CopyButton label="Copy link" text={link} />
      <button type="button" onClick={() => print()}>
        Print
      </button>
      <CopyButton label="Copy as curl" text={() => toCurl(form)} />
      <CopyButton label="Copy as TypeScript" text={() => toTypeScript(form)} />
    </div>
  );
}

/** The stone in one line, for the print. */
function describeStone(form: StoneForm): string {
  const sizes = (["depth", "table", "x", "y", "z"] as const)
    .filter((name) => form[name] !== "")
    .map(
      (name) =>
        `${LABELS[name].toLowerCase()} ${form[name]} ${name === "depth" || name === "table" ? "%" : "mm"}`,
    );
  return [
    `Round diamond, ${form.carat} ct, cut ${form.cut}, colour ${form.color}, clarity ${form.clarity}`,
    ...sizes,
  ].join(", ");
}
