import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { api, type CallFailed, readAnswer, type Schemas } from "../api/client.ts";
import { toCallFailed } from "../components/use-answer.ts";
import { formatNoun } from "./format.ts";

type Step =
  | { readonly kind: "shown" | "asking" | "running" }
  | { readonly kind: "failed"; readonly failure: CallFailed }
  | { readonly kind: "erased"; readonly erasure: Schemas["ErasureResponse"] };

/** Shows a request with a way to erase it. Once it is erased, only what was deleted is shown. */
export function Erase({
  request,
  onErased,
  children,
}: {
  request: Schemas["RequestResponse"];
  onErased: () => void;
  children: ComponentChildren;
}) {
  const [step, setStep] = useState<Step>({ kind: "shown" });
  const focused = useRef<HTMLElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const wasAsked = useRef(false);
  // The button that had the focus is gone, so the focus follows what replaces it.
  useLayoutEffect(() => {
    if (step.kind === "asking" || step.kind === "erased") focused.current?.focus();
    if (step.kind === "shown" && wasAsked.current) opener.current?.focus();
    wasAsked.current = step.kind !== "shown";
  }, [step.kind]);
  const erase = async () => {
    if (step.kind === "running") return;
    setStep({ kind: "running" });
    try {
      const path = { id: request.id };
      const erasure = await readAnswer(api.DELETE("/v1/requests/{id}", { params: { path } }));
      setStep({ kind: "erased", erasure });
      onErased();
    } catch (error) {
      setStep({ kind: "failed", failure: toCallFailed(error) });
    }
  };
  if (step.kind === "erased")
    return (
      <p role="status" tabIndex={-1} ref={focused as { current: HTMLParagraphElement | null }}>
        {describeErasure(step.erasure)}
      </p>
    );
  return (
    <>
      {children}
      <h3>Erase</h3>
      {step.kind === "shown" ? (
        <button type="button" ref={opener} onClick={() => setStep({ kind: "asking" })}>
          Erase this request
        </button>
      ) : (
        <>
          <p>
            This deletes its record, its request and response body, and{" "}
            {request.outcomes.length === 0
              ? "any sale price of its stones"
              : `${formatNoun(request.outcomes.length, "sale price")} of its stones`}
            , with the requests that reported them. It cannot be undone. The counts of the figures stay.
          </p>
          {step.kind === "failed" && (
            <p class="failure" role="alert">
              It was not erased: {step.failure.message}
            </p>
          )}
          <div class="actions">
            <button type="button" onClick={erase}>
              Erase
            </button>
            <button
              type="button"
              ref={focused as { current: HTMLButtonElement | null }}
              onClick={() => setStep({ kind: "shown" })}
            >
              Keep
            </button>
          </div>
        </>
      )}
    </>
  );
}

function describeErasure({ complete, erased }: Schemas["ErasureResponse"]): string {
  const { row, bodies, deadLetter, archived, outcomes } = erased;
  const parts = [
    row && "its record in the log",
    archived && "its record in the archive",
    deadLetter && "its record in the dead letters",
    bodies && "its bodies in the bucket",
    outcomes > 0 && formatNoun(outcomes, "sale price"),
  ].filter((part) => part !== false);
  const done = parts.length > 0 ? `Erased: ${parts.join(", ")}.` : "Erased.";
  if (complete) return done;
  return `${parts.length > 0 ? `${done} ` : ""}The rest will be erased within minutes.`;
}
