import { type Command, Option } from "commander";
import {
  addTargetOptions,
  createCommand,
  readTarget,
  type TargetOptions,
} from "../../cloudflare/command-line.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import { ModelName } from "../../src/domain/models/model-reference.ts";
import { CHALLENGER, CHAMPION } from "../../src/domain/models/model-selector.ts";
import type { ImportOptions } from "../builders/import.ts";
import { PROMOTION_MODES } from "../evaluation/promotion-policy.ts";
import type { TrainingOptions } from "../pipeline.ts";

export interface CommandLineOptions extends TrainingOptions {
  /** File for the run's result, as JSON. */
  readonly json?: string;
  /** File that the models and the decision are appended to, as Markdown. */
  readonly summary?: string;
}

/** The values of the options of {@link createTrainCommand}, by their camel-cased flags. */
type TrainValues = Omit<CommandLineOptions, "data" | "import" | "target"> &
  TargetOptions & { readonly data?: readonly string[] };

const DEFAULT_SEED = 42;
const LOG_OPTIONS = ["log", "log1p", "log10", "logPerCarat"] as const;

/**
 * Reads the command line of the training. `--help` prints the help and ends the process.
 * @throws UserError that names the wrong option
 */
export function readOptions(args: readonly string[], environment: NodeJS.ProcessEnv): CommandLineOptions {
  const command = createTrainCommand();
  const importOptions: ImportOptions[] = [];
  addImportCommand(command, (options) => importOptions.push(options));
  command.parse(args, { from: "user" });

  const { data = [], state: _, remote: __, ...values } = command.opts<TrainValues>();
  const files = importOptions.length > 0 ? data : [...data, ...command.args];
  if (values.append && files.length === 0) throw new UserError("--append needs files: name them with --data");
  return {
    ...values,
    data: files,
    target: readTarget(command.opts<TrainValues>(), environment),
    import: importOptions[0] ?? null,
  };
}

function createTrainCommand(): Command {
  const command = createCommand("npm run train --")
    .description("Trains the models, evaluates them, publishes them, and promotes the best one.")
    .configureHelp({ showGlobalOptions: true })
    .helpCommand(false)
    .option(
      "--data <files...>",
      "train only on these CSV files, globs, http(s) addresses or pipes, - for the standard input (default: the " +
        "stones of the newest model and the appraisals since then; in an empty registry the embedded dataset)",
    )
    .option("--append", "add the files of --data to the known stones")
    .option("--accept-feed", "also use stones that the feed check would reject, and quarantined appraisals")
    .option(
      "--accept-coverage",
      "promote a model even if its training stones cover much less than the champion's: fewer stones, or hardly any " +
        "of a carat band or a grade",
    )
    .option("--force-train", "train even if nothing is new")
    .addOption(
      new Option("--seed <number>", "seed of the split and of the models")
        .argParser(parseSeed)
        .default(DEFAULT_SEED),
    )
    .addOption(
      new Option(
        "--promote <mode>",
        "which model becomes champion: the best model of this run if it beats the champion (auto), " +
          "none (never), the best model of this run (force)",
      )
        .choices(PROMOTION_MODES)
        .default("auto"),
    )
    .option("--dry-run", "train and judge, but publish nothing")
    .option("--predictions <file>", "write each test stone with its price and each model's price, as CSV")
    .option(
      "--training-rows <file>",
      "write the training stones, as Parquet if the name ends with .parquet, else as CSV; a model that is fitted " +
        "elsewhere and then imported needs the same stones to have comparable metrics",
    )
    .option("--json <file>", "write the result of the run, as JSON")
    .option("--summary <file>", "append the models and the decision to a file, as Markdown")
    .option("--report <folder>", "write the model card of each model into a folder, as HTML");
  return addTargetOptions(command)
    .allowExcessArguments()
    .action(({ data }: TrainValues, { args }: Command) => {
      // A word that belongs to no option is a file of --data. Without --data it is a mistake.
      if (args.length > 0 && data === undefined)
        throw new UserError(`unexpected argument '${args[0]}': name CSV files with --data; see --help`);
    });
}

function addImportCommand(train: Command, onImport: (options: ImportOptions) => void): void {
  train
    .command("import")
    .description("Imports an XGBoost model (JSON or UBJ) or an ONNX file instead of fitting models.")
    .argument("<file>", "the model file")
    .addOption(
      new Option("--name <name>", "the model's name in the registry")
        .argParser(parseModelName)
        .makeOptionMandatory(),
    )
    .option("--force", "import a model whose columns, codes or error do not fit the training stones")
    .addOption(createLogOption("--log", "the model predicts log price"))
    .addOption(createLogOption("--log1p", "the model predicts log(1 + price)"))
    .addOption(createLogOption("--log10", "the model predicts log10 price"))
    .addOption(createLogOption("--log-per-carat", "the model predicts log(price / carat)"))
    .option("--all-trees", "use all trees of the XGBoost model, not only those up to the best iteration")
    .addOption(
      new Option(
        "--missing <value>",
        "the number that the XGBoost model was trained with as missing, for example 0",
      ).argParser(parseMissingValue),
    )
    .option(
      "--categories <file>",
      'JSON file with the meaning of its codes: {"cut": ["Fair", ...], ...} from 0, or {"cut": {"Fair": 1, ...}, ...}',
    )
    .option(
      "--features <file>",
      'JSON file with our columns for its features: {"its name": "carat", "other": "cut=Ideal", ...}',
    )
    .option(
      "--inputs <file>",
      'JSON file with our columns for the inputs of an ONNX model: {"input": ["carat", "cut", ...]}',
    )
    .allowExcessArguments(false)
    .action((file: string, values: Omit<ImportOptions, "file">) => onImport({ file, ...values }));
}

/** Creates one of the options that say what a model predicts. They exclude each other. */
function createLogOption(flag: string, description: string): Option {
  const option = new Option(flag, description);
  return option.conflicts(LOG_OPTIONS.filter((name) => name !== option.attributeName()));
}

function parseSeed(text: string): number {
  const seed = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(seed))
    throw new UserError("--seed must be a whole number of 0 or more");
  return seed;
}

function parseMissingValue(text: string): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (!Number.isFinite(value))
    throw new UserError("--missing must be a number, such as 0; NaN is always a missing value");
  return value;
}

function parseModelName(text: string): string {
  const name = ModelName.safeParse(text);
  if (!name.success)
    throw new UserError("--name must be lower-case words joined by hyphens, such as cluster-xgboost");
  if (name.data === CHAMPION || name.data === CHALLENGER)
    throw new UserError(`--name: ${name.data} is an alias; a model must have a different name`);
  return name.data;
}
