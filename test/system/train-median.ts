/** The trainer with one model that only the tests know, quick to fit: what is tested is the publishing. */
import { toUserError } from "../../cloudflare/user-error.ts";
import { readOptions } from "../../training/cli/options.ts";
import { train } from "../../training/pipeline.ts";
import { medianPrice } from "../training/models/median-price.ts";

const options = readOptions(process.argv.slice(2), process.env);
await train(options, (step, text) => console.log(`${step}: ${text}`), [medianPrice]).catch((error) => {
  const failure = toUserError(error);
  if (failure === null) throw error;
  console.error(failure.message);
  process.exitCode = failure.exitCode;
});
