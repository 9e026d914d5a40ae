import { truncate } from "../../src/lib/truncate.ts";

const MAX_QUOTED_LENGTH = 60;
/** Characters that a terminal executes or does not show: control and format characters, half characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** Makes a text of a file safe to print: it is cut, and characters that cannot be seen are written as `\u{..}`. */
export function escapeText(text: string, maxLength = MAX_QUOTED_LENGTH): string {
  return truncate(text, maxLength).replaceAll(
    UNPRINTABLE,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

/** The same in quotes, for a value in an error text. */
export function quoteText(text: string, maxLength = MAX_QUOTED_LENGTH): string {
  return `"${escapeText(text, maxLength)}"`;
}
