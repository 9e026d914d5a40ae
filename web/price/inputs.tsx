import { useId, useState } from "preact/hooks";
import { MEASUREMENTS } from "../../src/domain/diamond.ts";
import { GRADE_CONTROLS } from "./grade-texts.ts";
import { ClarityPicture, StoneDrawing } from "./stone-drawing.tsx";
import { type FieldName, LABELS, parseNumber, type StoneForm } from "./stone-form.ts";

interface InputsProps {
  readonly form: StoneForm;
  readonly errors: Partial<Record<FieldName, string>>;
  /** Doubts about the values of a field. */
  readonly doubts: Partial<Record<FieldName, readonly string[]>>;
  readonly onChange: (change: Partial<StoneForm>) => void;
}

const SLIDER = { min: 0.2, max: 3, step: 0.01 };
const UNITS = { depth: "%", table: "%", x: "mm", y: "mm", z: "mm" } as const;

/** The controls for a stone. */
export function Inputs(props: InputsProps) {
  const { form, onChange } = props;
  const hasError = MEASUREMENTS.some((name) => props.errors[name] || props.doubts[name]);
  const [isOpen, setOpen] = useState(MEASUREMENTS.some((name) => form[name] !== ""));
  const missing = MEASUREMENTS.filter((name) => form[name].trim() === "").map((name) =>
    LABELS[name].toLowerCase(),
  );
  return (
    <form class="inputs" onSubmit={(event) => event.preventDefault()} aria-label="The stone">
      <div class="weight">
        <NumberField {...props} name="carat" unit="ct" />
        <input
          type="range"
          aria-label="Weight in carats"
          {...SLIDER}
          value={parseNumber(form.carat) || SLIDER.min}
          onInput={(event) => onChange({ carat: event.currentTarget.value })}
        />
      </div>
      {GRADE_CONTROLS.map((control) => (
        <Grades key={control.name} control={control} {...props} />
      ))}
      <details open={isOpen || hasError} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>
          Measurements
          {missing.length > 0 && <span class="muted">: filled in by Facet: {missing.join(", ")}</span>}
        </summary>
        <div class="measurements">
          {MEASUREMENTS.map((name) => (
            <NumberField key={name} {...props} name={name} unit={UNITS[name]} />
          ))}
        </div>
      </details>
      <StoneDrawing form={form} />
    </form>
  );
}

/** A text field for a number, with its error and its doubts below. */
export function NumberField({
  name,
  unit,
  form,
  errors,
  doubts,
  onChange,
}: InputsProps & { readonly name: FieldName; readonly unit: string }) {
  const id = useId();
  const error = errors[name];
  const messages = error ? [error] : (doubts[name] ?? []);
  return (
    <div class="field">
      <label for={id}>
        {LABELS[name]} <span class="muted">{unit}</span>
      </label>
      <input
        id={id}
        name={name}
        inputMode="decimal"
        autocomplete="off"
        value={form[name]}
        aria-invalid={error !== undefined}
        aria-describedby={`${id}-notes`}
        onInput={(event) => onChange({ [name]: event.currentTarget.value })}
      />
      <div id={`${id}-notes`} aria-live="polite">
        {messages.map((message) => (
          <p key={message} class={error ? "error" : "doubt"}>
            {message}
          </p>
        ))}
      </div>
    </div>
  );
}

function Grades({
  control,
  form,
  errors,
  doubts,
  onChange,
}: InputsProps & { readonly control: (typeof GRADE_CONTROLS)[number] }) {
  const id = useId();
  const { name, label, grades, texts } = control;
  return (
    <fieldset class={`grades ${name}`} aria-describedby={id}>
      <legend>{label}</legend>
      <div class="segments">
        {grades.map((grade) => (
          <label key={grade} title={texts[grade]} class={`grade-${grade}`}>
            <input
              type="radio"
              name={name}
              value={grade}
              checked={form[name] === grade}
              onChange={() => onChange({ [name]: grade })}
            />
            <span>
              {name === "clarity" && <ClarityPicture grade={grade} />}
              {grade}
            </span>
          </label>
        ))}
      </div>
      <p id={id} class="small muted">
        {texts[form[name]]}
      </p>
      {[errors[name] ?? [], doubts[name] ?? []].flat().map((message) => (
        <p key={message} class="doubt">
          {message}
        </p>
      ))}
    </fieldset>
  );
}
