import { describe, expect, it } from "vitest";
import config from "../../../wrangler.toml?raw";

/** The settings of a table of wrangler.toml. */
function settings(table: string): Record<string, string> {
  const [, text = ""] = config.split(`\n[${table}]\n`);
  const lines = text.split(/\n\s*\n|\n\[/)[0]?.matchAll(/^(\w+) = (.*)$/gm) ?? [];
  return Object.fromEntries(Array.from(lines, ([, name, value]) => [name, value]));
}

describe("Cloudflare's own logs", () => {
  it("have what the Worker says, and no request with its headers", () => {
    expect(settings("observability")).toEqual({ enabled: "true" });
    expect(settings("observability.logs")).toEqual({ enabled: "true", invocation_logs: "false" });
    expect(settings("observability.traces")).toEqual({ enabled: "false" });
  });
});
