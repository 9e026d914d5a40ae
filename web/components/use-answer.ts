import { useCallback, useEffect, useState } from "preact/hooks";
import { CallFailed } from "../api/client.ts";

export interface Answer<Data> {
  /** The last answer; null before the first one. It stays while a newer one is awaited. */
  readonly data: Data | null;
  readonly failure: CallFailed | null;
  readonly isLoading: boolean;
  /** Repeats the call. */
  readonly reload: () => void;
}

/**
 * Calls the API as soon as it is used. A new call cancels the one before, so an older answer never replaces a
 * newer one.
 * @param read makes the call; it is called again when it is another function (see `useCallback`)
 */
export function useAnswer<Data>(read: (signal: AbortSignal) => Promise<Data>): Answer<Data> {
  const [attempt, setAttempt] = useState(0);
  const [state, setState] = useState<Omit<Answer<Data>, "reload">>({
    data: null,
    failure: null,
    isLoading: true,
  });
  useEffect(() => {
    const cancel = new AbortController();
    setState((before) => ({ ...before, isLoading: true }));
    read(cancel.signal).then(
      (data) => {
        if (!cancel.signal.aborted) setState({ data, failure: null, isLoading: false });
      },
      (error: unknown) => {
        if (cancel.signal.aborted) return;
        setState((before) => ({ ...before, failure: toCallFailed(error), isLoading: false }));
      },
    );
    return () => cancel.abort();
  }, [read, attempt]);
  const reload = useCallback(() => setAttempt((before) => before + 1), []);
  return { ...state, reload };
}

/** An error that is not a {@link CallFailed} is a fault of the page; it is shown all the same. */
export function toCallFailed(error: unknown): CallFailed {
  return error instanceof CallFailed ? error : new CallFailed(String(error), null);
}
