/**
 * The wait that the header `Retry-After` asks for, in milliseconds; null without the header or if it is invalid.
 * The header has seconds or a date. A date is compared with the server's own clock, if the answer has it.
 */
export function readRetryAfterMs(headers: Headers, now = Date.now()): number | null {
  const text = headers.get("retry-after")?.trim();
  if (!text) return null;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  // A date begins with the day of the week. JavaScript reads many other texts as dates, such as "-1".
  const at = /^[a-z]{3}/i.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) return null;
  const serverTime = Date.parse(headers.get("date") ?? "");
  return Math.max(0, at - (Number.isNaN(serverTime) ? now : serverTime));
}
