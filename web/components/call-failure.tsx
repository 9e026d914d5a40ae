import type { CallFailed } from "../api/client.ts";
import { KeyForm } from "./key-form.tsx";

/**
 * Says why a call failed, and offers to repeat it. If a key is needed, it asks for one.
 * @param keyPurpose what the key is for, in a sentence
 */
export function CallFailure({
  failure,
  onRetry,
  keyPurpose,
}: {
  failure: CallFailed;
  onRetry: () => void;
  keyPurpose?: string;
}) {
  if (failure.needsKey) return <KeyForm failure={failure} onKey={onRetry} purpose={keyPurpose} />;
  return (
    <p class="failure" role="alert">
      {failure.message}{" "}
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </p>
  );
}
