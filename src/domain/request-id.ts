/** Request ids are UUIDv7: their first 48 bits are the time of the request, so rows lie in order of time. */

/** A text that is not above any id of this millisecond or later, and above all ids before. */
export function firstIdAt(at: number): string {
  const hex = Math.min(Math.max(Math.floor(at), 0), 2 ** 48 - 1)
    .toString(16)
    .padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}`;
}

/** The time of a request by its id, milliseconds since 1970; null where the text is no such id. */
export function timeOfId(id: string): number | null {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id)) return null;
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}
