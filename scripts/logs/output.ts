/** The forms that the answer of a query can have. */
import {
  type DuckDBResult,
  DuckDBTimestampTZValue,
  type DuckDBType,
  type DuckDBValue,
  type Json,
  JsonDuckDBValueConverter,
} from "@duckdb/node-api";
import Table from "cli-table3";
import { toCsvLine } from "../../src/lib/csv.ts";

const MAX_TABLE_ROWS = 1_000;
const MAX_CELL_CHARACTERS = 200;
/** All but the line break. */
const CONTROL_CHARACTERS = /(?!\n)\p{Cc}/gu;

/** Writes a text. The promise resolves when more can be written. */
export type WriteText = (text: string) => Promise<void>;

/** Writes the rows of a result as text, page by page. */
type Output = (result: DuckDBResult, write: WriteText) => Promise<void>;

export const OUTPUTS = {
  async table(result, write) {
    const names = result.deduplicatedColumnNames();
    const table = new Table({
      head: names,
      style: { head: [], border: [] },
      chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
    });
    let rows = 0;
    for await (const page of readPages(result))
      for (const row of page) if (rows++ < MAX_TABLE_ROWS) table.push(row.map(toCell));
    const count = `${rows.toLocaleString("en")} ${rows === 1 ? "row" : "rows"}`;
    const cut = `the first ${MAX_TABLE_ROWS} of ${count}; --format csv, json or ndjson has all`;
    await write(`${table}\n${rows > MAX_TABLE_ROWS ? cut : count}\n`);
  },
  async csv(result, write) {
    await write(toCsvLine(result.deduplicatedColumnNames()));
    for await (const page of readPages(result))
      await write(page.map((row) => toCsvLine(row.map(toField))).join(""));
  },
  async json(result, write) {
    let separator = "[\n";
    for await (const row of readObjects(result)) {
      await write(separator + JSON.stringify(row));
      separator = ",\n";
    }
    await write(separator === "[\n" ? "[]\n" : "\n]\n");
  },
  async ndjson(result, write) {
    for await (const row of readObjects(result)) await write(`${JSON.stringify(row)}\n`);
  },
} as const satisfies Record<string, Output>;
export type OutputFormat = keyof typeof OUTPUTS;

/** Reads pages of rows. JSON columns are values, not texts. */
async function* readPages(result: DuckDBResult): AsyncGenerator<Json[][]> {
  const isJson = result.columnTypes().map(({ alias }) => alias === "JSON");
  for await (const page of result.yieldConvertedRows<Json>(toJson))
    yield page.map((row) =>
      row.map((value, i) => (isJson[i] && typeof value === "string" ? (JSON.parse(value) as Json) : value)),
    );
}

async function* readObjects(result: DuckDBResult): AsyncGenerator<Record<string, Json>> {
  const names = result.deduplicatedColumnNames();
  for await (const page of readPages(result))
    for (const row of page) yield Object.fromEntries(row.map((value, i) => [names[i] ?? "", value]));
}

/** A text as a terminal can show it: a caller's text must not control the terminal. */
function toCell(value: Json): string {
  const text = String(toField(value) ?? "").replaceAll(CONTROL_CHARACTERS, "\uFFFD");
  return text.length > MAX_CELL_CHARACTERS ? `${text.slice(0, MAX_CELL_CHARACTERS - 1)}…` : text;
}

function toField(value: Json): string | number | null {
  if (value === null || typeof value === "number" || typeof value === "string") return value;
  return JSON.stringify(value);
}

/** A value as JSON: whole numbers as numbers as far as they are exact, and times in ISO 8601. */
function toJson(value: DuckDBValue, type: DuckDBType): Json {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof DuckDBTimestampTZValue) return new Date(Number(value.micros / 1000n)).toISOString();
  return JsonDuckDBValueConverter(value, type, toJson);
}
