import { findGrade, GRADES, type GradeColumn } from "../../src/domain/diamond.ts";
import { joinNames } from "./document/quote-text.ts";
import { UnsupportedModelError } from "./unsupported-model-error.ts";

/** The names of a column in the order of their codes from 0, or the code of each name. */
export type CategoryList = readonly string[] | Readonly<Record<string, number>>;

/** The categories of each column, as the caller gives them. */
export type CategoryNames = Readonly<Partial<Record<GradeColumn, CategoryList | undefined>>>;

/**
 * The categories of a feature that XGBoost 3.1 and later store in the model, in the order of their codes:
 * names, or the numbers that the training data contained instead of names.
 */
export type StoredCategories = { readonly names: readonly string[] } | { readonly codes: readonly number[] };

/** The codes of a grade column, and where they come from. */
export interface CodeReading {
  readonly column: GradeColumn;
  readonly codes: ReadonlyMap<string, number>;
  /** `file` if the model file keeps the names of all grades, else `caller`, else `vocabulary`: assumed. */
  readonly source: "file" | "caller" | "vocabulary";
  /** The codes of the grades whose names the model file keeps. Empty if it keeps none. */
  readonly stored: ReadonlyMap<string, number>;
}

/**
 * Reads the codes of a grade column. The names come from the caller, else from the model file, else from our
 * vocabulary (worst to best).
 * @param given the caller's categories of this column, if any
 * @param stored the categories that the model file stores for this feature, if any
 * @throws UnsupportedModelError if a grade has no code, or two codes
 */
export function readCodes(
  column: GradeColumn,
  given: CategoryList | undefined,
  stored: StoredCategories | undefined,
): CodeReading {
  const vocabulary: CategoryList = GRADES[column];
  const storedNames = stored !== undefined && "names" in stored ? stored.names : null;
  const storedCodes = storedNames === null ? new Map<string, number>() : numberNames(column, storedNames);
  const isComplete = storedCodes.size === GRADES[column].length;
  const list = given ?? storedNames ?? vocabulary;
  const values = numberNames(column, list);
  // The data frame had numbers in place of names: the code of a number is its position.
  const codes = stored !== undefined && "codes" in stored ? translateCodes(values, stored.codes) : values;
  const missing = GRADES[column].filter((grade) => !codes.has(grade));
  if (missing.length > 0) {
    throw new UnsupportedModelError(
      `the categories of ${column} are ${joinNames(Array.isArray(list) ? list : Object.keys(list))}; ` +
        `${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} missing; use --categories to name all of them`,
    );
  }
  return {
    column,
    codes: new Map(GRADES[column].map((grade) => [grade, codes.get(grade)!])),
    source: isComplete ? "file" : given === undefined ? "vocabulary" : "caller",
    stored: storedCodes,
  };
}

/** Numbers the grades of a list. Other names have no stone here, but they count: they move the codes after them. */
function numberNames(column: GradeColumn, list: CategoryList): Map<string, number> {
  const entries: (readonly [string, number])[] = Array.isArray(list)
    ? list.map((name, code) => [name, code])
    : Object.entries(list as Readonly<Record<string, number>>);
  const codes = new Map<string, number>();
  for (const [name, code] of entries) {
    const grade = findGrade(column, name);
    if (grade === undefined) continue;
    if (codes.has(grade)) throw new UnsupportedModelError(`the categories of ${column} have ${grade} twice`);
    codes.set(grade, code);
  }
  return codes;
}

function translateCodes(values: ReadonlyMap<string, number>, stored: readonly number[]): Map<string, number> {
  const codeOfValue = new Map(stored.map((value, code) => [value, code]));
  return new Map(
    [...values].flatMap(([grade, value]) => {
      const code = codeOfValue.get(value);
      return code === undefined ? [] : [[grade, code] as const];
    }),
  );
}
