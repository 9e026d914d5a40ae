import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { UserError } from "../../cloudflare/user-error.ts";
import type { Target } from "../../cloudflare/wrangler.ts";
import { CHALLENGER, CHAMPION, ModelName } from "../../src/domain/model-selector.ts";
import type { ImportOptions } from "../builders/import.ts";
import { PROMOTIONS, type Promotion } from "../evaluation/promotion-policy.ts";

export interface Options {
  /** The file to import instead of fitting models; null for a training run. */
  readonly import: ImportOptions | null;
  /** Paths, globs or addresses of CSV files; none for what is known, at first the embedded dataset. */
  readonly data: readonly string[];
  /** Add the files to what is known, rather than training on them alone. */
  readonly append: boolean;
  /** Take fresh stones whose prices are too far from the champion's, and quarantined ones. */
  readonly acceptFeed: boolean;
  /** Train even where nothing is new since the last run. */
  readonly forceTrain: boolean;
  readonly seed: number;
  readonly promotion: Promotion;
  readonly dryRun: boolean;
  readonly target: Target;
  /** Where the run's result goes, as JSON. */
  readonly json: string | null;
  /** Where each test row with each model's price goes, as CSV. */
  readonly predictions: string | null;
  /** Where the training rows of the split go, as CSV. */
  readonly trainingRows: string | null;
  /** Where the decision goes, as Markdown. */
  readonly summary: string | null;
  /** Folder for each model's report, as HTML. */
  readonly reports: string | null;
}

export const USAGE = `npm run train -- [options]
npm run train -- import FILE --name NAME [--log] [--categories FILE] [--features FILE] [options]

  --data FILE ...     CSV files, globs or http(s) addresses to train on, and on nothing else (default: the
                      stones of the newest model and those appraised since; at first the embedded dataset)
  --append            add the files to the stones that are known
  --accept-feed       take fresh stones however far their prices are from the champion's, and quarantined ones
  --force-train       train even where nothing is new
  import FILE         take an XGBoost model (JSON, UBJ) or an ONNX file instead of fitting models
  --name NAME         the imported model's name in the registry
  --log               the imported XGBoost model predicts log price
  --categories FILE   JSON: what its category codes stand for, {"cut": ["Fair", ...], ...}
  --features FILE     JSON: our columns for its features, {"its name": "carat", ...}
  --seed N            seed of the split and of the models (default 42)
  --promote MODE      auto (default): the better model serves; never; force
  --dry-run           train and judge, publish nothing
  --predictions FILE  write each test stone with its price and each model's, as CSV
  --training-rows FILE  write the stones that models are fitted on, as CSV: fit a model on these elsewhere to
                      import it, for its figures are those of the others
  --json FILE         write the run's result as JSON
  --summary FILE      add the models and the decision to a file, as Markdown
  --report DIR        write each model's report into a folder, as HTML
  --state DIR         local state (default .wrangler/state, or FACET_STATE)
  --remote            publish to Cloudflare instead of the local state
  --help              this text`;

const DEFAULT_STATE = ".wrangler/state";
const DEFAULT_SEED = 42;

/**
 * Reads the command line. Further words belong to --data: a shell has expanded a glob.
 * @throws Failure naming the option that is wrong.
 */
export function readOptions(args: readonly string[], environment: NodeJS.ProcessEnv): Options {
  const { values, positionals: words } = parse(args);
  const importing = words[0] === "import";
  const positionals = importing ? words.slice(2) : words;
  if (positionals.length > 0 && values.data === undefined) {
    throw new UserError(`${positionals[0]}: not understood; files are named with --data\n\n${USAGE}`);
  }
  if (values.help) throw new UserError(USAGE, { exitCode: 0 });
  const ofImport = [values.name, values.categories, values.features];
  if (!importing && (values.log || ofImport.some((value) => value !== undefined)))
    throw new UserError("--name, --log, --categories and --features belong to import");
  if (values.append && values.data === undefined)
    throw new UserError("--append needs files: name them with --data");
  const promotion = PROMOTIONS.find((mode) => mode === values.promote);
  if (promotion === undefined) throw new UserError(`--promote must be one of ${PROMOTIONS.join(", ")}`);
  const seed = Number(values.seed);
  if (!/^\d+$/.test(values.seed) || seed > Number.MAX_SAFE_INTEGER) {
    throw new UserError("--seed must be a whole number of 0 or more");
  }
  return {
    import: importing ? readImport(words[1], values) : null,
    data: [...(values.data ?? []), ...positionals],
    append: values.append,
    acceptFeed: values["accept-feed"],
    forceTrain: values["force-train"],
    seed,
    promotion,
    dryRun: values["dry-run"],
    target: values.remote
      ? { kind: "remote" }
      : { kind: "local", state: resolve(values.state ?? environment.FACET_STATE ?? DEFAULT_STATE) },
    json: values.json ?? null,
    predictions: values.predictions ?? null,
    trainingRows: values["training-rows"] ?? null,
    summary: values.summary ?? null,
    reports: values.report ?? null,
  };
}

function readImport(file: string | undefined, values: ReturnType<typeof parse>["values"]): ImportOptions {
  if (file === undefined) throw new UserError(`import needs a file\n\n${USAGE}`);
  const name = ModelName.safeParse(values.name);
  if (!name.success)
    throw new UserError("--name must be lower-case words joined by hyphens, such as cluster-xgboost");
  if (name.data === CHAMPION || name.data === CHALLENGER)
    throw new UserError(`--name: ${name.data} is an alias; a model must have a name of its own`);
  return {
    file,
    name: name.data,
    log: values.log,
    categories: values.categories ?? null,
    features: values.features ?? null,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        data: { type: "string", multiple: true },
        name: { type: "string" },
        log: { type: "boolean", default: false },
        categories: { type: "string" },
        features: { type: "string" },
        append: { type: "boolean", default: false },
        "accept-feed": { type: "boolean", default: false },
        "force-train": { type: "boolean", default: false },
        seed: { type: "string", default: String(DEFAULT_SEED) },
        promote: { type: "string", default: "auto" },
        "dry-run": { type: "boolean", default: false },
        predictions: { type: "string" },
        "training-rows": { type: "string" },
        json: { type: "string" },
        summary: { type: "string" },
        report: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
        state: { type: "string" },
        remote: { type: "boolean", default: false },
      },
    });
  } catch (cause) {
    throw new UserError(`${cause instanceof Error ? cause.message : String(cause)}\n\n${USAGE}`, { cause });
  }
}
