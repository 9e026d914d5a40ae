import { useEffect, useState } from "preact/hooks";
import { readKey, watchKey } from "../api/key.ts";

/** The API key of this tab, up to date; null if there is none. */
export function useKey(): string | null {
  const [key, setKey] = useState(readKey);
  useEffect(() => watchKey(() => setKey(readKey())), []);
  return key;
}
