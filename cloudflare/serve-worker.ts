/**
 * The process of {@link startDevServer}: the server of `wrangler dev` without its inspector. The inspector lets
 * every program of this machine run code inside the Worker, and the command has no option to turn it off.
 */
import { unstable_startWorker } from "wrangler";

export interface ServeOptions {
  readonly hostname: string;
  readonly port: number;
  /** Path of the wrangler.toml. */
  readonly config: string;
  /** Folder of the simulated D1 and R2. */
  readonly state: string;
  /** Variables of the Worker that override those of the configuration. */
  readonly vars: Readonly<Record<string, string>>;
  readonly logLevel: "log" | "error";
}

const [, , json = "{}"] = process.argv;
const { hostname, port, config, state, vars, logLevel } = JSON.parse(json) as ServeOptions;
const worker = await unstable_startWorker({
  config,
  bindings: Object.fromEntries(
    Object.entries(vars).map(([name, value]) => [name, { type: "plain_text", value }]),
  ),
  dev: { server: { hostname, port }, persist: state, inspector: false, remote: false, logLevel },
});
await worker.ready;
