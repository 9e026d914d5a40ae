/** `npm run logs -- query|export|schema|clear`: asks the request log with SQL, and exports it. */
import { once } from "node:events";
import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { addTargetOptions, createCommand, readTarget, runCommand } from "../cloudflare/command-line.ts";
import { createSpinner } from "../cloudflare/spinner.ts";
import { UserError } from "../cloudflare/user-error.ts";
import { isIsoDate, parseIsoTime } from "../src/lib/input/iso-time.ts";
import { toDay } from "../src/lib/time.ts";
import { EXPORT_FORMATS, type ExportFormatName } from "./logs/export.ts";
import { deleteCopy } from "./logs/log-copy.ts";
import { OUTPUTS, type OutputFormat } from "./logs/output.ts";
import { describeView } from "./logs/schema.ts";
import { exportLog, type LogOptions, queryLog } from "./logs/use-log.ts";

/** Later than every id. */
const NEVER_MS = 2 ** 48 - 1;

const program = addTargetOptions(createCommand("npm run logs --")).description(
  "Asks the log of all requests with SQL, and exports it: the log database and its archive as one view.",
);
program
  .command("query")
  .description("run one SELECT of DuckDB on the view requests; npm run logs -- schema explains the view")
  .argument("<sql>", "the query, or - to read it from standard input")
  .option(
    "--since <time>",
    "only requests at this time or later (ISO 8601); earlier days are not read",
    parseTime,
  )
  .option("--until <time>", "only requests before this time", parseTime)
  .option("--format <format>", Object.keys(OUTPUTS).join(", "), parseChoice(OUTPUTS), "table" as const)
  .action(query);
program
  .command("export")
  .description("write each day into a file, day=2026-11-01/requests.parquet, for Spark, Athena or R2 SQL")
  .requiredOption("--out <folder>", "folder of the files; those of an earlier export are replaced")
  .option(
    "--format <format>",
    Object.keys(EXPORT_FORMATS).join(", "),
    parseChoice(EXPORT_FORMATS),
    "parquet" as const,
  )
  .option("--since <day>", "first day, such as 2026-11-01, in UTC (default: the first of the log)", parseDay)
  .option("--until <day>", "day after the last one (default: today is the last one)", parseDay)
  .action(writeExport);
program
  .command("schema")
  .description("print the columns of the view, with examples")
  .action(() => {
    process.stdout.write(describeView());
  });
program
  .command("clear")
  .description("delete the copy of the log on this machine")
  .action(async () => {
    const isDeleted = await deleteCopy(readTarget(program.opts()));
    console.log(isDeleted ? "the copy of the log is deleted" : "there is no copy of the log");
  });

// A program that reads the output, such as `head`, can end before the output does.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});
await runCommand(async () => {
  await program.parseAsync();
});

function parseTime(value: string): number {
  const at = parseIsoTime(value);
  if (at === null)
    throw new UserError(
      `--since and --until must be a date or a time in ISO 8601, such as 2026-11-24 or 2026-11-24T09:30:00Z, not "${value}"`,
    );
  return at;
}

function parseDay(value: string): number {
  const at = isIsoDate(value) ? parseIsoTime(value) : null;
  if (at === null)
    throw new UserError(
      `--since and --until of an export must be a day such as 2026-11-01, not "${value}": a file has a whole day`,
    );
  return toDay(at);
}

function parseChoice<Choice extends string>(choices: Readonly<Record<Choice, unknown>>) {
  return (value: string): Choice => {
    if (Object.hasOwn(choices, value)) return value as Choice;
    throw new UserError(`--format must be one of ${Object.keys(choices).join(", ")}, not "${value}"`);
  };
}

interface QueryArguments {
  readonly since?: number;
  readonly until?: number;
  readonly format: OutputFormat;
}

async function query(argument: string, options: QueryArguments): Promise<void> {
  const sql = argument === "-" ? await text(process.stdin) : argument;
  const { since = 0, until = NEVER_MS, format } = options;
  requireOrder(since, until);
  await queryLog(openLog(), { since, until, sql, format, write: writeOutput });
}

async function writeOutput(output: string): Promise<void> {
  if (!process.stdout.write(output)) await once(process.stdout, "drain");
}

interface ExportArguments {
  readonly out: string;
  readonly format: ExportFormatName;
  readonly since?: number;
  readonly until?: number;
}

async function writeExport(options: ExportArguments): Promise<void> {
  const { format, since = 0, until = toDay(NEVER_MS) } = options;
  requireOrder(since, until);
  const out = resolve(options.out);
  const written = await exportLog(openLog(), { format, out, range: { from: since, before: until } });
  const [rows, bytes] = [written.rows, written.bytes].map((number) => number.toLocaleString("en"));
  const days = written.days === 1 ? "1 day" : `${written.days} days`;
  console.log(`${rows} rows of ${days}, ${bytes} bytes, written to ${out}`);
}

function requireOrder(since: number, until: number): void {
  if (since >= until) throw new UserError("--since must be before --until");
}

/** The log that the options name, with its progress on a terminal. */
function openLog(): LogOptions {
  const spinner = createSpinner({
    text: "comparing the copy with the log",
    isSilent: !process.stderr.isTTY,
  }).start();
  return {
    target: readTarget(program.opts()),
    progress: {
      report(done, total) {
        spinner.text = `reading the log: ${done} of ${total} days`;
      },
      end: () => spinner.stop(),
    },
  };
}
