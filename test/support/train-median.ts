/** The trainer with a model that is fitted quickly, for tests that publish. */
import { reportUserError } from "../../cloudflare/command-line.ts";
import { readOptions } from "../../training/cli/options.ts";
import { train } from "../../training/pipeline.ts";
import { medianPriceModel } from "../training/models/median-price.ts";

try {
  const options = readOptions(process.argv.slice(2), process.env);
  await train(options, (step, text) => console.log(`${step}: ${text}`), [medianPriceModel]);
} catch (error) {
  reportUserError(error);
}
