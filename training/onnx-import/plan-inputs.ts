import { GRADES, type GradeColumn, STONE_COLUMNS } from "../../src/domain/diamond.ts";
import { formatShape, type Port } from "../onnx-file/ports.ts";
import { type CategoryList, type CategoryNames, readCodes } from "../xgboost/category-codes.ts";
import { UnsupportedModelError } from "../xgboost/unsupported-model-error.ts";
import { COLUMN_HINT, formatSource, type InputSource, readColumnName } from "./input-source.ts";
import type { InputNames } from "./inputs-file.ts";

/** How an input of a model is computed from the columns of a stone. */
export interface InputPlan {
  readonly port: Port;
  /** In the order of the input's columns. */
  readonly sources: readonly InputSource[];
}

export interface InputHints {
  /** From --inputs. */
  readonly names: InputNames | null;
  /** From --categories. */
  readonly categories: CategoryNames;
  /** The names of a matrix's columns from the metadata of the file; null if it has none. */
  readonly featureNames: readonly string[] | null;
}

const INTEGER_TYPE = /^u?int\d+$/;
const FLOAT_TYPE = /^float\d+$/;

/**
 * Finds the columns of each input.
 * @param faults gets a sentence for each input that cannot be computed from a stone
 */
export function planInputs(ports: readonly Port[], hints: InputHints, faults: string[]): InputPlan[] {
  const names = assignNames(ports, hints.names, faults);
  const readers = new Map<string, string>();
  const plans = ports.map((port): InputPlan => {
    const columnNames = names.get(port.name) ?? guessNames(port, hints.featureNames);
    if (columnNames === null) {
      faults.push(describeUnknownInput(port));
      return { port, sources: [] };
    }
    checkShape(port, columnNames, faults);
    const sources = columnNames.flatMap((name) => createSource(port, name, hints.categories, faults) ?? []);
    for (const source of sources.map(formatSource)) {
      const other = readers.get(source);
      if (other !== undefined) {
        const places = other === port.name ? `${port.name} twice` : `${other} and ${port.name}`;
        faults.push(`the column ${source} is given to ${places}; each column may be given once`);
      }
      readers.set(source, port.name);
    }
    return { port, sources };
  });
  return plans;
}

/** Returns the names of each input from --inputs. */
function assignNames(
  ports: readonly Port[],
  names: InputNames | null,
  faults: string[],
): ReadonlyMap<string, readonly string[]> {
  if (names === null) return new Map();
  const own = ports.map(({ name }) => name).join(", ");
  if (isList(names)) {
    const [port] = ports;
    if (ports.length === 1 && port !== undefined) return new Map([[port.name, names]]);
    faults.push(
      `--inputs has a list alone, but the model has the inputs ${own}; say which input takes the list`,
    );
    return new Map();
  }
  const unknown = Object.keys(names).filter((name) => ports.every((port) => port.name !== name));
  if (unknown.length > 0)
    faults.push(`--inputs names ${unknown.join(", ")}, but the inputs of the model are ${own}`);
  return new Map(
    Object.entries(names).map(([name, columns]) => [name, typeof columns === "string" ? [columns] : columns]),
  );
}

/** Returns the names of an input whose columns are unmistakable; null for all others. */
function guessNames(port: Port, featureNames: readonly string[] | null): readonly string[] | null {
  const width = port.shape?.[1] ?? 1;
  if (width === 1 && readColumnName(port.name) !== null) return [port.name];
  return featureNames !== null &&
    isMatrix(port) &&
    featureNames.every((name) => readColumnName(name) !== null)
    ? featureNames
    : null;
}

function describeUnknownInput(port: Port): string {
  const { name } = port;
  if (isMatrix(port)) {
    const width = port.shape?.[1];
    const count = width == null ? "columns" : `${width} columns`;
    return (
      `the input ${name} takes ${count}, and the file does not say which; list them with --inputs in the order ` +
      `of the training data: {"${name}": ["carat", "cut", ...]}`
    );
  }
  return (
    `the model has an unknown input ${name}; its inputs must be ${STONE_COLUMNS.join(", ")}, or be mapped to these ` +
    `columns with --inputs: {"${name}": "carat"}`
  );
}

function checkShape(port: Port, columnNames: readonly string[], faults: string[]): void {
  const { name, shape } = port;
  const rank = shape?.length ?? (columnNames.length > 1 ? 2 : 1);
  if (rank === 0 || rank > 2) {
    faults.push(
      `the input ${name} must have the shape [N], [N, 1] or [N, columns], but has ${formatShape(shape)}`,
    );
  } else if (rank === 1 && (columnNames.length > 1 || (shape?.[0] ?? 1) > 1)) {
    faults.push(
      `the input ${name} has the shape ${formatShape(shape)}, which is one number a stone, or all numbers of one ` +
        "stone; export the model for any number of stones, with the shape [N, columns]",
    );
  } else if (rank === 2) {
    const [rows, width] = shape ?? [];
    if (rows != null && rows > 1)
      faults.push(
        `the input ${name} takes exactly ${rows} stones; export the model for any number of stones`,
      );
    if (width != null && width !== columnNames.length) {
      faults.push(
        `the input ${name} takes ${width} ${width === 1 ? "column" : "columns"}, but --inputs lists ${columnNames.length}`,
      );
    }
  }
}

/** @returns null after a fault */
function createSource(
  { name: input, type }: Port,
  name: string,
  categories: CategoryNames,
  faults: string[],
): InputSource | null {
  const reject = (fault: string): null => {
    // All columns of a matrix may have the same fault.
    if (!faults.includes(fault)) faults.push(fault);
    return null;
  };
  const isText = type === "string";
  if (!isText && !FLOAT_TYPE.test(type) && !INTEGER_TYPE.test(type) && type !== "bool")
    return reject(`the input ${input} must be float32, float64, an integer type or string, but is ${type}`);
  const found = readColumnName(name);
  if (found === null)
    return reject(`--inputs: ${name} (for the input ${input}) is no column of a stone; ${COLUMN_HINT}`);
  const { column, grade } = found;
  if (!isGradeColumn(column)) {
    if (isText) return reject(`the input ${input} must be float32 or float64 for ${column}, but is string`);
    if (!FLOAT_TYPE.test(type)) {
      return reject(
        `the input ${input} must be float32 or float64 for ${column}, but is ${type}, which has no place for decimals`,
      );
    }
    return { kind: "number", column };
  }
  if (grade !== undefined) {
    return isText
      ? reject(`the input ${input} must be a number for ${name}, but is string`)
      : { kind: "indicator", column, grade };
  }
  if (isText) return { kind: "text", column };
  if (type === "bool")
    return reject(`the input ${input} must be string or a number for ${column}, but is bool`);
  const codes = readGivenCodes(column, categories[column], reject, input);
  return codes === null ? null : { kind: "code", column, codes };
}

function readGivenCodes(
  column: GradeColumn,
  given: CategoryList | undefined,
  reject: (fault: string) => null,
  input: string,
): ReadonlyMap<string, number> | null {
  const example = `{"${column}": [${GRADES[column].map((grade) => `"${grade}"`).join(", ")}]}`;
  if (given === undefined) {
    return reject(
      `the input ${input} takes a number for ${column}; say with --categories which grade has the code 0, 1, ..., ` +
        `for example ${example} (pandas and scikit-learn number them in alphabetical order by default)`,
    );
  }
  try {
    return readCodes(column, given, undefined).codes;
  } catch (error) {
    if (error instanceof UnsupportedModelError) return reject(error.message);
    throw error;
  }
}

function isMatrix({ shape }: Port): boolean {
  return shape?.length === 2 && shape[1] !== 1;
}

function isGradeColumn(column: string): column is GradeColumn {
  return Object.hasOwn(GRADES, column);
}

function isList(names: InputNames): names is readonly string[] {
  return Array.isArray(names);
}
