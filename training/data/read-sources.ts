import { UserError } from "../../cloudflare/user-error.ts";
import type { DatasetSource } from "../../src/db/registry/schema.ts";
import type { PricedStone } from "../../src/domain/diamond.ts";
import { cleanRow, type RejectionReason } from "./clean-row.ts";
import { readCsvRows } from "./csv-rows.ts";
import { assignIds, type DatasetStone } from "./dataset-stone.ts";
import type { Source } from "./source.ts";

/** The stones of one source, and the record of the source in the registry. */
export interface SourceStones {
  readonly stones: readonly DatasetStone[];
  readonly source: DatasetSource;
  /** Descriptions of the first rejected rows. */
  readonly examples: readonly string[];
}

/** Number of rejected rows by reason. */
export type RejectionCounts = Readonly<Partial<Record<RejectionReason, number>>>;

/** Number of rejected rows that are described. */
export const MAX_REJECTION_EXAMPLES = 5;

/** Number of files that an error names. */
const MAX_NAMES = 5;

/**
 * Reads and cleans the rows of some sources, and gives the stones their ids.
 * @throws UserError if a source cannot be read, or if less than half of all rows are valid
 */
export async function readSources(sources: readonly Source[]): Promise<SourceStones[]> {
  const results: SourceStones[] = [];
  for (const source of sources) results.push(await readSource(source));
  const rejected = sumRejections(results);
  const validRows = results.reduce((sum, { stones }) => sum + stones.length, 0);
  const rejectedRows = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  if (sources.length > 0 && (validRows < rejectedRows || validRows === 0)) {
    const names = joinNames(results.map(({ source }) => source.name));
    const reasons = Object.entries(rejected).map(([reason, count]) => `${reason}: ${count}`);
    throw new UserError(
      `${names}: only ${validRows} of ${validRows + rejectedRows} rows are valid (${reasons.join(", ") || "no rows"})`,
    );
  }
  return results;
}

/** Joins the first names, and says how many more there are. */
function joinNames(names: readonly string[]): string {
  const shown = names.slice(0, MAX_NAMES).join(", ");
  return names.length > MAX_NAMES ? `${shown} and ${names.length - MAX_NAMES} more files` : shown;
}

/** Adds up the rejected rows of all sources. */
export function sumRejections(results: readonly SourceStones[]): RejectionCounts {
  const total: Partial<Record<RejectionReason, number>> = {};
  for (const { source } of results) {
    for (const [reason, count] of Object.entries(source.rejected) as [RejectionReason, number][]) {
      total[reason] = (total[reason] ?? 0) + count;
    }
  }
  return total;
}

async function readSource(source: Source): Promise<SourceStones> {
  const stones: PricedStone[] = [];
  const rejected: Record<string, number> = {};
  const examples: string[] = [];
  const readAt = new Date().toISOString();
  const reject = (reason: RejectionReason, line: number, detail: string) => {
    rejected[reason] = (rejected[reason] ?? 0) + 1;
    if (examples.length < MAX_REJECTION_EXAMPLES) {
      examples.push(`${source.name}, line ${line}: ${reason} (${detail})`);
    }
  };
  for await (const { line, values, columnCount, headerColumnCount } of readCsvRows(source)) {
    if (values === null) {
      reject("wrong number of columns", line, `${columnCount} instead of ${headerColumnCount}`);
      continue;
    }
    const cleaned = cleanRow(values);
    if ("stone" in cleaned) stones.push(cleaned.stone);
    else reject(cleaned.reason, line, cleaned.column);
  }
  return {
    stones: assignIds(stones),
    source: { name: source.name, rows: stones.length, rejected, readAt },
    examples,
  };
}
