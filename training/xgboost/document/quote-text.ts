/** Longer texts and lists of a file are cut in error texts. */
const MAX_TEXT_LENGTH = 80;
const MAX_NAMES = 30;

/** Quotes a text of a file for an error text, and cuts a long one. */
export function quoteText(text: string): string {
  return JSON.stringify(cutText(text));
}

/** Joins names of a file for an error text. Long names and long lists are cut. */
export function joinNames(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).map(cutText);
  if (names.length > MAX_NAMES) shown.push(`and ${names.length - MAX_NAMES} more`);
  return shown.join(", ");
}

/** Cuts a long text, and replaces line breaks: an error text is one line. */
export function cutText(text: string): string {
  const start = text.slice(0, MAX_TEXT_LENGTH).replaceAll(/\p{Cc}/gu, " ");
  return text.length > MAX_TEXT_LENGTH ? `${start}...` : start;
}
