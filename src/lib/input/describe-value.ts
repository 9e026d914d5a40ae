const MAX_QUOTED_LENGTH = 60;

/** Says in words what a caller sent, for the end of a message: `is the text "1.1"`, `is a list`. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return describeText(value);
  if (Array.isArray(value)) return "is a list";
  if (typeof value === "object" && value !== null) return "is an object";
  return `is ${String(value)}`;
}

function describeText(text: string): string {
  if (text === "") return "is an empty text";
  if (text.length > MAX_QUOTED_LENGTH) return `is a text of ${text.length} characters`;
  return `is the text ${JSON.stringify(text)}`;
}

/** Whether a text holds a decimal number, such as `1.1`. */
export function isNumericText(text: string): boolean {
  return /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(text);
}
