import { DuckDBInstance } from "@duckdb/node-api";
import type { PricedStone } from "../../src/domain/diamond.ts";
import { writeStones } from "../../training/data/write-stones.ts";

/**
 * Standard deviations of the noise: of the logarithm, and of the value itself in percent. A stone has about such
 * differences if it is measured again, and two sellers ask different prices for it.
 */
const NOISE = { carat: 0.01, depth: 0.1, table: 0.2, x: 0.005, y: 0.005, z: 0.005, price: 0.03 };

/**
 * Writes a Parquet file with any number of stones: drawn from the given stones with replacement, with a little noise.
 * The same arguments give the same rows. DuckDB writes them piece by piece, so 10 million need little memory.
 */
export async function writeDrawnStones(
  file: string,
  stones: readonly PricedStone[],
  rows: number,
): Promise<void> {
  const source = `${file}.source.parquet`;
  await writeStones(source, stones);
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  // With several threads, the order of the rows would be another one each time.
  await connection.run("SET threads = 1");
  await connection.run(
    "CREATE MACRO uniform_of(i, n) AS ((hash(i, n) >> 11)::DOUBLE + 0.5) / 9007199254740992",
  );
  // The method of Box and Muller.
  await connection.run(
    "CREATE MACRO normal_of(i, n) AS sqrt(-2 * ln(uniform_of(i, n))) * cos(2 * pi() * uniform_of(i, n + 100))",
  );
  const columns = ["carat", "cut", "color", "clarity", "depth", "table", "x", "y", "z", "price"] as const;
  const expressions = columns.map((name, n) => {
    if (!(name in NOISE)) return `"${name}"`;
    const noise = `${NOISE[name as keyof typeof NOISE]} * normal_of(i, ${n + 1})`;
    const isPercent = name === "depth" || name === "table";
    return `"${name}" ${isPercent ? `+ ${noise}` : `* exp(${noise})`} AS "${name}"`;
  });
  await connection.run(
    `COPY (
      SELECT ${expressions.join(", ")}
      FROM (SELECT range AS i, floor(${stones.length} * uniform_of(range, 0))::BIGINT AS drawn FROM range(${rows}))
      JOIN read_parquet('${source}', file_row_number = true) ON file_row_number = drawn
    ) TO '${file}' (FORMAT parquet)`,
  );
  connection.closeSync();
  instance.closeSync();
}
