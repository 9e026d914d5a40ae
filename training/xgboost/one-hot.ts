import { findGrade, GRADE_COLUMNS, type GradeColumn } from "../../src/domain/diamond.ts";

/** The column and the grade that a one-hot feature stands for. It is 1 for this grade and 0 for the others. */
export interface GradeIndicator {
  readonly column: GradeColumn;
  readonly grade: string;
}

/**
 * The parts of a name: an optional prefix of scikit-learn's ColumnTransformer (`onehot__cut_Ideal`), the
 * column or scikit-learn's `x0`, and the grade. patsy writes `C(cut)[T.Ideal]`, and R `cutVery Good`.
 */
const ONE_HOT_NAME =
  /^(?:[^_]*__)?(?:C\()?(cut|colou?r|clarity|x\d{1,3}(?=_))\)?(?:\[(?:T\.)?|[_.=:\- ])?([^\]]+)\]?$/i;
/** Longer names are no one-hot columns. */
const MAX_NAME_LENGTH = 60;

/**
 * Recognizes the name of a one-hot column, as pandas (`cut_Ideal`), scikit-learn (`x0_Ideal`), patsy and R
 * (`cutIdeal`) write it. Returns null for another name.
 */
export function readOneHotName(name: string): GradeIndicator | null {
  if (name.length > MAX_NAME_LENGTH) return null;
  const [, prefix, text] = ONE_HOT_NAME.exec(name) ?? [];
  if (prefix === undefined || text === undefined) return null;
  return findIndicator(findColumns(prefix.toLowerCase()), text);
}

function findColumns(prefix: string): readonly GradeColumn[] {
  // The number of x0 is the position in a list that is not in the file. No two columns share a grade.
  if (prefix.startsWith("x")) return GRADE_COLUMNS;
  return [prefix.startsWith("colo") ? "color" : (prefix as GradeColumn)];
}

function findIndicator(columns: readonly GradeColumn[], text: string): GradeIndicator | null {
  for (const column of columns) {
    const grade = findGrade(column, text);
    if (grade !== undefined) return { column, grade };
  }
  return null;
}
