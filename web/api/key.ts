const NAME = "facet-key";

const listeners = new Set<() => void>();

/** The API key that was entered in this tab; null if there is none. The browser forgets it with the tab. */
export function readKey(): string | null {
  return sessionStorage.getItem(NAME);
}

/** Keeps a key, or forgets it (null). */
export function storeKey(key: string | null): void {
  if (key === null) sessionStorage.removeItem(NAME);
  else sessionStorage.setItem(NAME, key);
  for (const listener of listeners) listener();
}

/** Calls `listener` after each change of the key. Returns a function that stops this. */
export function watchKey(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
