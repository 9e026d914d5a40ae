/** Cuts text from a caller to a length that fits an error message. */
export function truncate(text: string, maxLength = 100): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
}
