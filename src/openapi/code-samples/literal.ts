/** How a language writes a value of JSON. */
export interface LiteralStyle {
  readonly words: { readonly true: string; readonly false: string; readonly null: string };
  readonly formatKey: (key: string) => string;
  /** Between the braces of an object on one line: a space in TypeScript. */
  readonly padding: string;
  readonly indent: string;
}

const MAX_LINE = 88;

/** Writes a value of JSON as a literal: on one line if that is short, else one line for each member. */
export function formatLiteral(value: unknown, style: LiteralStyle, margin = ""): string {
  if (typeof value === "boolean" || value === null) return style.words[`${value}`];
  if (typeof value !== "object") return JSON.stringify(value);
  const isList = Array.isArray(value);
  const format = (inner: string) =>
    isList
      ? value.map((member) => formatLiteral(member, style, inner))
      : Object.entries(value as object).map(
          ([key, member]) => `${style.formatKey(key)}: ${formatLiteral(member, style, inner)}`,
        );
  const [open, close, padding] = isList ? ["[", "]", ""] : ["{", "}", style.padding];
  const line = `${open}${padding}${format(margin).join(", ")}${padding}${close}`;
  if (margin.length + line.length <= MAX_LINE && !line.includes("\n")) return line;
  const inner = margin + style.indent;
  const members = format(inner).map((member) => `${inner}${member},\n`);
  return `${open}\n${members.join("")}${margin}${close}`;
}
