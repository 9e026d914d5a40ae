/**
 * The process of {@link startDevServer}: the server of `wrangler dev` without its inspector. The inspector lets
 * every program of this machine run code inside the Worker, and the command has no option to turn it off.
 */
import { type Binding, unstable_readConfig, unstable_startWorker } from "wrangler";

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
// wrangler itself would also take the variables of .dev.vars.
const deployedVars = unstable_readConfig({ config }, { hideWarnings: true }).vars;
const worker = await unstable_startWorker({
  config,
  bindings: Object.fromEntries(
    Object.entries({ ...deployedVars, ...vars }).map(([name, value]) => [name, toBinding(value)]),
  ),
  dev: { server: { hostname, port }, persist: state, inspector: false, remote: false, logLevel },
});
await worker.ready;

function toBinding(value: unknown): Binding {
  if (typeof value === "string") return { type: "plain_text", value };
  return { type: "json", value } as Binding;
}
