import { useState } from "preact/hooks";
import type { CallFailed } from "../api/client.ts";
import { readKey, storeKey } from "../api/key.ts";

const SERVER_NEEDS_KEY = "This server answers only callers with a key.";

/** Asks for an API key after a call was refused. `onKey` is called when a new key is stored. */
export function KeyForm({
  failure,
  onKey,
  purpose = SERVER_NEEDS_KEY,
}: {
  failure: CallFailed;
  onKey: () => void;
  /** What the key is for, in a sentence. */
  purpose?: string | undefined;
}) {
  const [text, setText] = useState("");
  const wasRefused = readKey() !== null;
  return (
    <form
      class="key-form"
      onSubmit={(event) => {
        event.preventDefault();
        storeKey(text.trim() || null);
        onKey();
      }}
    >
      <p role="alert">
        {wasRefused
          ? `The key was refused: ${failure.message}`
          : `${purpose} The operator of Facet makes a key with “npm run keys -- create”.`}
      </p>
      <label>
        Key
        <input
          type="password"
          autocomplete="off"
          value={text}
          placeholder="facet_…"
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit">Use this key</button>
      <p class="small">It stays in this tab and is sent only to this server.</p>
    </form>
  );
}
