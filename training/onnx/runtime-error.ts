import { truncate } from "../../src/lib/truncate.ts";

/** Messages quote names of the model file, which can have any length. The patterns take quadratic time. */
const MAX_MESSAGE_LENGTH = 2_000;
/** A position in the runtime's source code, with which some of its messages begin. */
const SOURCE_POSITION = /(?:[A-Za-z]:)?[^\s:]+\.(?:cc|cpp|h|hpp|cu):\d+ /;
/** The kind of an error, which follows a colon: `: 2 : INVALID_ARGUMENT : `. */
const STATUS = /^(?:\[ONNXRuntimeError\] )?: \d+ : [A-Z_]+ : /;
/** How the runtime starts a message about a node that failed. Its operator says enough. */
const FAILED_NODE =
  /^Non-zero status code returned while running (\S+) node\. Name:'[^']*' Status Message: (?=\S)/;
/** A size that is not known, as the runtime writes it. */
const UNKNOWN_SIZE = /\b(?:4294967295|18446744073709551615)\b/g;

/** Returns an error of the runtime without its prefix and the names and positions of its source code. */
export function describeRuntimeError(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  // An exception of WebAssembly without a text is a number: its address.
  if (/^\d*$/.test(message)) return "it fails without saying why";
  const [line = ""] = message.replace(/^.*ERROR_MESSAGE: /s, "").split("\n");
  let text = truncate(line, MAX_MESSAGE_LENGTH);
  text = text.replace(FAILED_NODE, "$1: ");
  for (let position = SOURCE_POSITION.exec(text); position !== null; position = SOURCE_POSITION.exec(text)) {
    const rest = text.slice(position.index + position[0].length);
    text = text.slice(0, position.index) + removeSignature(rest);
  }
  return text.replace(STATUS, "").replace(UNKNOWN_SIZE, "any").trim() || "it fails without saying why";
}

/**
 * Removes the function that follows a position, with or without its parameters: `void ns::Name(const T &) const `,
 * `CheckShape `.
 */
function removeSignature(text: string): string {
  const start = text.indexOf("(");
  const isSignature = start > 0 && /^(?:[\w:<>*&~]+ )*[*&]*[\w:<>~]*\w$/.test(text.slice(0, start));
  if (!isSignature || /^[A-Z]\w*[a-z][A-Z]\w* [A-Z]/.test(text))
    return text.replace(/^[A-Z]\w*[a-z][A-Z]\w* /, "");
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    if (text[i] === "(") depth++;
    if (text[i] === ")" && --depth === 0)
      return text.slice(i + 1).replace(/^(?: const)?(?: \[[^\]]*\])? /, "");
  }
  return text;
}
