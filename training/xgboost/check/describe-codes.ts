import { GRADE_COLUMNS, GRADES } from "../../../src/domain/diamond.ts";
import type { CategoryNames } from "../category-codes.ts";
import type { XgboostModel } from "../model.ts";
import { UnsupportedModelError } from "../unsupported-model-error.ts";

/** Prints the categories of a data frame, as a categories file has them. */
const PRINT_COMMAND = `import json; print(json.dumps({c: list(df[c].cat.categories) for c in ["cut", "color", "clarity"]}))`;

/**
 * Checks that nothing has to be guessed: codes that a model uses as categories have no order of their own.
 * @throws UnsupportedModelError if the file keeps no names for them and the caller gives none, or if the
 * caller's names contradict those of the file
 */
export function checkCategories({ codes }: XgboostModel): void {
  const unknown = codes.filter(({ isCategory, source }) => isCategory && source === "vocabulary");
  if (unknown.length > 0) {
    const columns = unknown.map(({ column }) => column);
    const format = (sort: (grades: readonly string[]) => readonly string[]) =>
      JSON.stringify(Object.fromEntries(columns.map((column) => [column, sort(GRADES[column])])));
    throw new UnsupportedModelError(
      `the model uses ${columns.join(", ")} as categories, and the file does not keep the names of their codes ` +
        "(XGBoost 3.1 and later keep those of a data frame). Write the names in the order of the codes into a file and add " +
        `--categories FILE. For pandas' astype("category"), which sorts the names, it contains ${format((grades) => grades.toSorted())}; ` +
        `for an order from worst to best, ${format((grades) => grades)}. ` +
        `In Python, this prints it from the data frame of the training: ${PRINT_COMMAND}`,
    );
  }
  for (const { column, codes: used, stored } of codes) {
    const grade = [...stored.keys()].find((one) => stored.get(one) !== used.get(one));
    if (grade === undefined) continue;
    throw new UnsupportedModelError(
      `the categories file contradicts the names in the model file: ${grade} of ${column} has the code ${used.get(grade)} there, ` +
        `and ${stored.get(grade)} in the model. The model's own names are right: leave ${column} out of the categories file`,
    );
  }
}

/**
 * Describes how columns and codes are read if the file does not say it, a sentence each.
 * @param given the caller's categories
 */
export function describeAssumptions(model: XgboostModel, given: CategoryNames): string[] {
  const { codes, features, hasFeatureNames } = model;
  const assumed = codes.filter(({ isCategory, source }) => !isCategory && source === "vocabulary");
  const oneHot = features.filter((feature) => "codes" in feature && feature.grade !== undefined);
  const notes: string[] = [];
  if (!hasFeatureNames) {
    const columns = features.map(({ column }) => column);
    notes.push(
      `the file has no feature names: they are taken as ${columns.join(", ")} (--features names others)`,
    );
  }
  if (assumed.length > 0) {
    const lists = assumed.map(
      ({ column }) => `${column} ${GRADES[column].map((grade, i) => `${grade} ${i}`).join(", ")}`,
    );
    notes.push(
      `the file does not say what the numbers of the grades mean: they are taken from worst to best, ${lists.join("; ")} ` +
        "(--categories names others)",
    );
  }
  if (oneHot.length > 0) {
    const columns = new Set(oneHot.map(({ column }) => column));
    notes.push(`${oneHot.length} features are read as one-hot columns of ${[...columns].join(", ")}`);
  }
  const unused = GRADE_COLUMNS.filter(
    (column) => given[column] !== undefined && !codes.some((reading) => reading.column === column),
  );
  if (unused.length > 0) {
    notes.push(
      `the categories of ${unused.join(", ")} are not used: the model has no feature with codes of ${unused.length === 1 ? "it" : "them"}`,
    );
  }
  return notes;
}
