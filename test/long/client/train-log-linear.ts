/** The trainer with the model that the examples of the API name, and no other. */
import { reportUserError } from "../../../cloudflare/command-line.ts";
import { readOptions } from "../../../training/cli/options.ts";
import { logLinear } from "../../../training/models/log-linear.ts";
import { train } from "../../../training/pipeline.ts";

try {
  const options = readOptions(process.argv.slice(2), process.env);
  await train(options, (step, text) => console.log(`${step}: ${text}`), [logLinear]);
} catch (error) {
  reportUserError(error);
}
