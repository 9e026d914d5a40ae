/** Reads wrangler.toml with the queue turned on. */
import { readFileSync } from "node:fs";
import { parse } from "smol-toml";

interface WranglerConfig {
  readonly assets: { readonly run_worker_first: readonly string[] };
  readonly triggers: { readonly crons: readonly string[] };
  readonly ratelimits: readonly {
    readonly name: string;
    readonly simple: { readonly limit: number; readonly period: number };
  }[];
  readonly queues: {
    readonly producers: readonly { readonly binding: string; readonly queue: string }[];
    readonly consumers: readonly {
      readonly queue: string;
      readonly max_retries: number;
      readonly retry_delay: number;
      readonly dead_letter_queue?: string;
    }[];
  };
}

export const WRANGLER_TOML = readFileSync(new URL("../../wrangler.toml", import.meta.url), "utf8");

const FIRST_QUEUE_LINE = "# [[queues.producers]]";

/**
 * The settings of wrangler.toml, with those of the queue, which are comments from `[[queues.producers]]`
 * on.
 */
export function readWranglerConfig(): WranglerConfig {
  const lines = WRANGLER_TOML.split("\n");
  const first = lines.indexOf(FIRST_QUEUE_LINE);
  if (first === -1) throw new Error(`wrangler.toml has no line "${FIRST_QUEUE_LINE}"`);
  const end = lines.findIndex((line, i) => i > first && !line.startsWith("#"));
  const queueLines = lines.slice(first, end).map((line) => line.replace("# ", "").replace("#", ""));
  const text = [...lines.slice(0, first), ...queueLines, ...lines.slice(end)].join("\n");
  return parse(text) as unknown as WranglerConfig;
}
