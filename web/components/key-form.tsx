import { useState } from "preact/hooks";
import type { CallFailed } from "../api/client.ts";
import { readKey, storeKey } from "../api/key.ts";

/** Asks for an API key after a call was refused. `onKey` is called when a new key is stored. */
export function KeyForm({ failure, onKey }: { failure: CallFailed; onKey: () => void }) {
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
          : "This server answers only callers with a key. The operator of Facet makes one with “npm run keys -- create”."}
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
