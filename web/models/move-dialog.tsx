import { useState } from "preact/hooks";
import { api, type CallFailed, readAnswer } from "../api/client.ts";
import { CallFailure } from "../components/call-failure.tsx";
import { Dialog } from "../components/dialog.tsx";
import { Field } from "../components/field.tsx";
import { toCallFailed } from "../components/use-answer.ts";
import { FigureTable } from "./figure-table.tsx";
import { findVersion, formatVersion, type Models, type Version, wasChampion } from "./read-models.ts";

/** Shows what changes when a version becomes the champion, asks for the reason, and moves the alias. */
export function MoveDialog({
  data,
  target,
  onClose,
  onMoved,
  onReload,
}: {
  data: Models;
  target: Version;
  onClose: () => void;
  onMoved: (version: Version) => void;
  onReload: () => void;
}) {
  const [reason, setReason] = useState("");
  const [failure, setFailure] = useState<CallFailed | null>(null);
  const [isMoving, setMoving] = useState(false);
  const { champion } = data;
  const before = champion === null ? undefined : findVersion(data, formatVersion(champion));
  const isRollback = wasChampion(data, formatVersion(target));
  const [isReasonMissing, setReasonMissing] = useState(false);
  const reasonError = isReasonMissing
    ? "Enter a reason: it is what others read later."
    : failure?.fieldErrors.find(({ path }) => path === "reason")?.message;

  const move = async () => {
    setFailure(null);
    setReasonMissing(reason.trim() === "");
    if (reason.trim() === "") return;
    setMoving(true);
    try {
      const params = {
        path: { alias: "champion" },
        // Only a champion that is still the one on this page may be replaced.
        header: champion === null ? {} : { "if-match": `"${champion.revision}"` },
      };
      const body = { model: formatVersion(target), reason: reason.trim() };
      await readAnswer(api.PUT("/v1/aliases/{alias}", { params, body }));
      onMoved(target);
    } catch (error) {
      setFailure(toCallFailed(error));
      setMoving(false);
    }
  };

  return (
    <Dialog title={`${isRollback ? "Roll back to" : "Promote"} ${formatVersion(target)}`} onClose={onClose}>
      <p>
        {champion === null
          ? "It becomes the champion and answers all requests that name no model."
          : `It replaces ${formatVersion(champion)} and answers all requests that name no model.`}
        {champion?.canary && ` The canary ${formatVersion(champion.canary)} ends.`}
      </p>
      {before && <FigureTable left={before} right={target} isShort />}
      {failure?.status === 412 && (
        <p class="failure" role="alert">
          Somebody else has moved the champion since this page was read.{" "}
          <button
            type="button"
            onClick={() => {
              setFailure(null);
              onReload();
            }}
          >
            Show the champion of now
          </button>
        </p>
      )}
      {failure !== null && failure.status !== 412 && reasonError === undefined && (
        <CallFailure
          failure={failure}
          onRetry={move}
          keyPurpose="Moving the champion needs a key with the scope admin."
        />
      )}
      <form
        class="field-form"
        onSubmit={(event) => {
          event.preventDefault();
          void move();
        }}
      >
        <Field
          label="Reason"
          hint="kept in the history"
          value={reason}
          error={reasonError}
          onText={setReason}
        />
        <div class="actions">
          <button type="submit" disabled={isMoving}>
            {isRollback ? "Roll back" : "Promote"}
          </button>
          <button type="button" class="quiet" onClick={onClose}>
            Keep it as it is
          </button>
        </div>
      </form>
    </Dialog>
  );
}
