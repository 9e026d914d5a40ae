import { useState } from "preact/hooks";

/** A button that copies a text. If the browser does not allow that, the text is shown, selected. */
export function CopyButton({ label, text }: { label: string; text: () => string }) {
  const [result, setResult] = useState<"copied" | { shown: string } | null>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      setResult("copied");
    } catch {
      setResult({ shown: text() });
    }
  };
  return (
    <>
      <button type="button" onClick={copy} onBlur={() => setResult((now) => (now === "copied" ? null : now))}>
        {result === "copied" ? "Copied" : label}
      </button>
      {typeof result === "object" && result !== null && (
        <textarea
          readOnly
          aria-label={label}
          rows={4}
          value={result.shown}
          onFocus={(event) => event.currentTarget.select()}
        />
      )}
    </>
  );
}
