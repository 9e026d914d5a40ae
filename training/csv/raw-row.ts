import { GRADE_COLUMNS, NUMBER_COLUMNS } from "../../src/domain/diamond.ts";

/** The columns that every source must have. */
export const REQUIRED_COLUMNS = [...NUMBER_COLUMNS, ...GRADE_COLUMNS, "price"] as const;
export type RequiredColumn = (typeof REQUIRED_COLUMNS)[number];

/** The cells of a row, as they are in the file. */
export type RawRow = Readonly<Partial<Record<RequiredColumn, string>>>;
