import { useId } from "preact/hooks";

/** A labelled input with its error below. */
export function Field({
  label,
  hint,
  error,
  onText,
  ...input
}: {
  label: string;
  /** Words in small type after the label. */
  hint?: string;
  error?: string | undefined;
  value: string;
  onText: (text: string) => void;
  name?: string;
  type?: "text" | "date" | "datetime-local";
  inputMode?: "decimal" | "numeric";
  /** Id of a list of suggestions. */
  list?: string;
}) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>
        {label} {hint && <span class="small muted">{hint}</span>}
      </label>
      <input
        id={id}
        autocomplete="off"
        {...input}
        aria-invalid={error !== undefined}
        aria-describedby={`${id}-error`}
        onInput={(event) => onText(event.currentTarget.value)}
      />
      <FieldError id={`${id}-error`} error={error} />
    </div>
  );
}

/** The place for an error of a control. It exists without an error too, so that a new one is announced. */
export function FieldError({ id, error }: { id: string; error: string | undefined }) {
  return (
    <p id={id} class="error" aria-live="polite">
      {error}
    </p>
  );
}
