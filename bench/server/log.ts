/**
 * Searches, counts and archives a large log, on local servers with a scratch state.
 *
 *   npm run bench -- log                          both
 *   node bench/server/log.ts --rows 1000000       first page by each filter, and monitoring; 30 days of rows
 *   node bench/server/log.ts --archive 200000     archives old rows while the run is killed 10 times
 */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createScratchFolder } from "../support/scratch-folder.ts";
import { testKilledArchive } from "./log-archive.ts";
import { measureSearch } from "./log-search.ts";

const { values: options } = parseArgs({ options: { rows: { type: "string" }, archive: { type: "string" } } });
const isDefaultRun = options.rows === undefined && options.archive === undefined;
const rows = Number(options.rows ?? (isDefaultRun ? 1_000_000 : 0));
const rowsToArchive = Number(options.archive ?? (isDefaultRun ? 200_000 : 0));

const folder = createScratchFolder();
if (rows > 0) await measureSearch(join(folder, "search"), rows);
if (rowsToArchive > 0) await testKilledArchive(join(folder, "archive"), rowsToArchive);
process.exit(0);
