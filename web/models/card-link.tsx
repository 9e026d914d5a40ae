import { useState } from "preact/hooks";
import { api, type CallFailed, readAnswer } from "../api/client.ts";
import { CallFailure } from "../components/call-failure.tsx";
import { saveFile } from "../components/save-file.ts";
import { toCallFailed } from "../components/use-answer.ts";
import { useKey } from "../components/use-key.ts";

/**
 * Opens the model card. A link cannot send a key, and a page made by a script could not show the card's own
 * styles, so with a key the card is downloaded.
 */
export function CardLink({ version, path }: { version: { name: string; version: number }; path: string }) {
  const key = useKey();
  const [failure, setFailure] = useState<CallFailed | null>(null);
  if (key === null)
    return (
      <p>
        <a href={path} target="_blank" rel="noopener">
          Model card with plots
        </a>{" "}
        <span class="muted">(opens in a new tab)</span>
      </p>
    );
  const download = async () => {
    setFailure(null);
    try {
      const params = { path: { name: version.name, version: version.version } };
      const options = { params, parseAs: "blob" } as const;
      const card = await readAnswer(api.GET("/v1/models/{name}/versions/{version}/report", options));
      saveFile(card, `${version.name}-${version.version}.html`);
    } catch (error) {
      setFailure(toCallFailed(error));
    }
  };
  return (
    <>
      <button type="button" onClick={download}>
        Download the model card
      </button>
      {failure !== null && <CallFailure failure={failure} onRetry={download} />}
    </>
  );
}
