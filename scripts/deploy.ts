/** `npm run deploy`: brings the Worker of this checkout, and all that it needs, to Cloudflare. */
import { createCommand, runCommand } from "../cloudflare/command-line.ts";
import { createDependencies } from "./deploy/create-dependencies.ts";
import { dryRun, runDeployment } from "./deploy/run.ts";
import { parseWorkerUrl } from "./deploy/worker-url.ts";

interface CommandOptions {
  readonly dryRun?: true;
  readonly url?: URL;
  readonly data?: readonly string[];
  readonly firstKey?: true;
}

const command = createCommand("npm run deploy --")
  .description(
    "Creates what is missing on Cloudflare, migrates the databases, trains if there is no champion, deploys the Worker, and prints its address and a first key. What is done already is not done again.",
  )
  .option("--dry-run", "only list the steps, and which of them are needed if there is a login")
  .option("--url <url>", "address of the Worker (default: FACET_URL, or what wrangler reports)", (text) =>
    parseWorkerUrl(text, "--url"),
  )
  .option("--data <files...>", "train the first models on these CSV files, as npm run train does")
  .option("--first-key", "create and print a first key even if the output is kept, as in a CI job")
  .allowExcessArguments(false)
  .action(deploy);

await runCommand(async () => {
  await command.parseAsync();
});

async function deploy(options: CommandOptions): Promise<void> {
  const dependencies = createDependencies(options.data ?? []);
  const deployOptions = {
    url: options.url ?? readUrlVariable(process.env.FACET_URL),
    firstKey: options.firstKey === true || isShownOnly(),
  };
  await (options.dryRun ? dryRun : runDeployment)(dependencies, deployOptions);
}

/** An unset variable of a GitHub environment is an empty text. */
function readUrlVariable(text = ""): URL | null {
  return text === "" ? null : parseWorkerUrl(text, "FACET_URL");
}

/** Whether nobody else reads the output. The log of a CI job is kept, and not every CI sets `CI`. */
function isShownOnly(): boolean {
  const { CI = "" } = process.env;
  return process.stdout.isTTY && (CI === "" || CI === "false" || CI === "0");
}
