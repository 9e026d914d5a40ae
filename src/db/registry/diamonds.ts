import type { PricedStone } from "../../domain/diamond.ts";
import { isTestStone } from "../../domain/split.ts";
import type { Queryable } from "../sessions.ts";
import type { IdentifiedStone } from "./appraisals.ts";
import type { ServedModel } from "./models.ts";

/** Decide whether a model was trained on a stone, see the schema of the table. */
interface Membership {
  readonly splitKey: number;
  readonly since: number;
  readonly until: number | null;
}

type Row = IdentifiedStone & Membership;

const COLUMNS = ["id", "carat", "cut", "color", "clarity", "depth", '"table"', "x", "y", "z", "price"];

/**
 * Reads stones along the primary key, from a position (?4, ?5, ?6) upwards or downwards, at most ?7. The
 * condition of a model is not part of it: SQLite would read on until ?7 stones fulfil it.
 */
const createScan = (comparison: ">" | "<", order: "ASC" | "DESC") => `SELECT * FROM (
SELECT ${COLUMNS.join(", ")}, split_key AS splitKey, since, until FROM diamonds
WHERE cut = ?1 AND color = ?2 AND clarity = ?3 AND (carat, id, since) ${comparison} (?4, ?5, ?6)
ORDER BY carat ${order}, id ${order}, since ${order} LIMIT ?7)`;
const SCANS = { up: createScan(">", "ASC"), down: createScan("<", "DESC") } as const;
type Direction = keyof typeof SCANS;

/** Both scans, and a last row if the database has the dataset ?8. Its `id` is NULL. */
const FIRST_ROUND = `${SCANS.up} UNION ALL ${SCANS.down}
UNION ALL SELECT ${COLUMNS.map(() => "NULL").join(", ")}, NULL, seq, NULL FROM datasets WHERE seq = ?8`;

/**
 * How many rows a direction reads for each stone that is wanted. One in five is a test stone, and each direction
 * gives about half of the stones. A later round reads one direction, and often both are needed.
 */
const ROWS_PER_STONE = { firstRound: 0.65, laterRounds: 0.9 };
/** For few stones, the first round reads more, so that seldom a second one is needed. */
const FIRST_ROUND_EXTRA_ROWS = { most: 4, beyondN: 3 };

type Model = Pick<ServedModel, "dataset" | "seed">;
type GradedStone = Pick<PricedStone, "carat" | "cut" | "color" | "clarity">;

/**
 * Finds for each stone the stones in a model's training split with the same cut, colour and clarity and the
 * nearest weights, nearest first. Of two at the same distance, the heavier is first; stones of one weight are
 * ordered by id. The queries read about 1.5n + 9 rows for a stone and seldom more than 2n + 10, plus removed stones and those of later
 * datasets between them, whatever the size of the table.
 * @returns null if the database does not have the dataset: a replica may not have it yet
 */
export async function findSimilarDiamonds(
  d1: Queryable,
  model: Model,
  stones: readonly GradedStone[],
  n: number,
): Promise<{ stones: IdentifiedStone[][]; rowsRead: number } | null> {
  const searches = stones.map((stone) => new Search(model, stone, n));
  const firstRound = await d1.batch<Row>(searches.map((search) => search.prepareFirstRound(d1)));
  let rowsRead = sumRowsRead(firstRound);
  for (const [i, search] of searches.entries())
    if (!search.addFirstRound(firstRound[i]!.results)) return null;
  while (true) {
    const scans = searches.flatMap((search) => search.continue() ?? []);
    if (scans.length === 0) break;
    const round = await d1.batch<Row>(scans.map((scan) => scan.prepare(d1)));
    rowsRead += sumRowsRead(round);
    for (const [i, scan] of scans.entries()) scan.add(round[i]!.results);
  }
  return { stones: searches.map(({ found }) => found), rowsRead };
}

function sumRowsRead(results: readonly D1Result[]): number {
  return results.reduce((sum, { meta }) => sum + (meta.rows_read ?? 0), 0);
}

/** The stones of one direction, in the order of their distance. */
class Scan {
  readonly #direction: Direction;
  readonly #stone: GradedStone;
  readonly #rows: Row[] = [];
  #next = 0;
  #limit = 0;
  #isAtEnd = false;

  constructor(direction: Direction, stone: GradedStone) {
    this.#direction = direction;
    this.#stone = stone;
  }

  /** Whether more rows must be read before the nearest is known. */
  get isEmpty(): boolean {
    return this.#next === this.#rows.length && !this.#isAtEnd;
  }

  /** The nearest stone that was not taken; undefined at the end of the table. */
  get nearest(): Row | undefined {
    return this.#rows[this.#next];
  }

  /** The difference in weight of {@link nearest}, carats. */
  get distance(): number {
    return this.nearest === undefined
      ? Number.POSITIVE_INFINITY
      : Math.abs(this.nearest.carat - this.#stone.carat);
  }

  take(): void {
    this.#next++;
  }

  /** Sets how many rows the next query reads. */
  limit(rows: number): this {
    this.#limit = rows;
    return this;
  }

  /** Reads on after the last stone that was read. */
  prepare(d1: Queryable): D1PreparedStatement {
    const { cut, color, clarity } = this.#stone;
    const { carat, id, since } = this.#rows.at(-1)!;
    return d1.prepare(SCANS[this.#direction]).bind(cut, color, clarity, carat, id, since, this.#limit);
  }

  add(rows: readonly Row[]): void {
    this.#rows.push(...rows);
    this.#isAtEnd = rows.length < this.#limit;
  }
}

/** The search for the stones that are similar to one stone. */
class Search {
  readonly found: IdentifiedStone[] = [];
  readonly #model: Model;
  readonly #stone: GradedStone;
  readonly #n: number;
  readonly #up: Scan;
  readonly #down: Scan;
  #rounds = 0;

  constructor(model: Model, stone: GradedStone, n: number) {
    this.#model = model;
    this.#stone = stone;
    this.#n = n;
    this.#up = new Scan("up", stone);
    this.#down = new Scan("down", stone);
  }

  prepareFirstRound(d1: Queryable): D1PreparedStatement {
    const { cut, color, clarity, carat } = this.#stone;
    const rows = Math.min(
      this.#n + FIRST_ROUND_EXTRA_ROWS.beyondN,
      Math.ceil(this.#n * ROWS_PER_STONE.firstRound) + FIRST_ROUND_EXTRA_ROWS.most,
    );
    this.#up.limit(rows);
    this.#down.limit(rows);
    // No stone is exactly at this position: ids are not empty.
    return d1.prepare(FIRST_ROUND).bind(cut, color, clarity, carat, "", 0, rows, this.#model.dataset);
  }

  /** @returns whether the database has the dataset of the model */
  addFirstRound(rows: readonly Row[]): boolean {
    const stones = rows.filter(({ id }) => id !== null);
    this.#up.add(stones.filter(({ carat }) => carat >= this.#stone.carat));
    this.#down.add(stones.filter(({ carat }) => carat < this.#stone.carat));
    return stones.length < rows.length;
  }

  /** Takes stones from both directions, nearest first. Returns the direction that must be read further. */
  continue(): Scan | null {
    while (this.found.length < this.#n) {
      const empty = [this.#up, this.#down].find(({ isEmpty }) => isEmpty);
      if (empty !== undefined) return empty.limit(this.#countMissingRows());
      const scan = this.#up.distance <= this.#down.distance ? this.#up : this.#down;
      if (scan.nearest === undefined) break;
      const { splitKey, since, until, ...stone } = scan.nearest;
      if (wasTrainedOn(this.#model, { splitKey, since, until })) this.found.push(stone);
      scan.take();
    }
    return null;
  }

  /** Twice as many in each further round after the fourth: many stones in a row can belong to other datasets. */
  #countMissingRows(): number {
    this.#rounds++;
    const missing = this.#n - this.found.length;
    return Math.ceil(missing * ROWS_PER_STONE.laterRounds * 2 ** Math.max(0, this.#rounds - 4));
  }
}

function wasTrainedOn({ dataset, seed }: Model, { splitKey, since, until }: Membership): boolean {
  return since <= dataset && (until === null || until > dataset) && !isTestStone(splitKey, seed);
}
