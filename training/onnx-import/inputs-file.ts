import { z } from "zod";
import { UserError } from "../../cloudflare/user-error.ts";

/**
 * What each input of a model takes: the name of one column, or the names of a matrix's columns in their order.
 * A list alone is for the only input of a model.
 */
export type InputNames = readonly string[] | Readonly<Record<string, string | readonly string[]>>;

const Names = z.array(z.string()).min(1);
const InputsFile = z.union([Names, z.record(z.string(), z.union([z.string(), Names]))]);

/**
 * Parses the file of --inputs: `{"Weight": "carat", ...}`, `{"float_input": ["carat", "cut", ...]}`, or the list
 * alone.
 * @throws UserError if it is not JSON of this form
 */
export function parseInputNames(json: string): InputNames {
  let value: unknown;
  try {
    value = JSON.parse(json.replace(/^\ufeff/, ""));
  } catch (cause) {
    throw new UserError(`the inputs file is not valid JSON: ${(cause as Error).message}`, { cause });
  }
  const result = InputsFile.safeParse(value);
  if (result.success) return result.data;
  throw new UserError(
    'the inputs file must be {"input of the model": "our column"}, {"input of the model": ["first column", ...]}, ' +
      'or ["first column", ...] for a model with one input',
  );
}
