/**
 * Queries on the sources of datasets. A dataset that extends another one has rows only for the sources that it added,
 * so its sources are collected along the chain of datasets.
 */

/**
 * Builds the beginning of a query on the sources of a dataset, as a table `sources` with `name`, `rows`, `rejected`
 * (JSON), `read_at` and `age` (0 for the newest). A dataset that is older than the table `dataset_sources` has all
 * its sources as JSON.
 * @param seq the number of the dataset, as SQL
 */
export function withSources(seq: string): string {
  return `WITH RECURSIVE chain(seq, distance, base, list) AS (
  SELECT seq, 0, base, sources FROM datasets WHERE seq = ${seq}
  UNION ALL
  SELECT next.seq, distance + 1, next.base, next.sources FROM chain JOIN datasets AS next ON next.seq = chain.base
  WHERE chain.list = '[]' AND next.seq < chain.seq
), positions(distance, position, name, rows, rejected, read_at) AS (
  SELECT distance, position, name, rows, rejected, read_at
  FROM chain JOIN dataset_sources ON dataset = chain.seq WHERE list = '[]'
  UNION ALL
  SELECT distance, key, value ->> 'name', value ->> 'rows', value -> 'rejected', value ->> 'readAt'
  FROM chain, json_each(list)
), sources AS (
  SELECT name, rows, rejected, read_at, row_number() OVER (ORDER BY distance, position DESC) - 1 AS age FROM positions
)`;
}

/**
 * Reads the newest sources of the dataset of a version, oldest first. Before them is one row that adds up all that
 * are older, if there are any. Parameters: name and version of the model, and the number of sources.
 */
export const LIST_SOURCES = `${withSources("(SELECT dataset FROM models WHERE name = ?1 AND version = ?2)")}
SELECT name, rows, rejected, read_at AS readAt, age FROM sources WHERE age < ?3
UNION ALL
SELECT count(*) || ' earlier sources', sum(rows), (
    SELECT json_group_object(reason, count) FROM (
      SELECT each.key AS reason, sum(each.value) AS count FROM sources, json_each(sources.rejected) AS each
      WHERE age >= ?3 GROUP BY each.key)
  ), max(read_at), ?3 FROM sources WHERE age >= ?3 HAVING count(*) > 0
ORDER BY age DESC`;
