/** docs/privacy.md says what the log keeps, and wrangler.toml what Cloudflare's own logs keep. */
import { getTableColumns } from "drizzle-orm";
import { parse } from "smol-toml";
import { describe, expect, it } from "vitest";
import privacy from "../../../docs/privacy.md?raw";
import { requests } from "../../../src/db/request-log/schema.ts";
import { RATE_LIMIT_PERIODS_SECONDS } from "../../../src/settings/rate-limits.ts";
import { ERASED_ID_RETENTION_DAYS } from "../../../src/settings/retention.ts";
import config from "../../../wrangler.toml?raw";

/** The cells of each row of the table with these headings. */
function readTable(...headings: string[]): string[][] {
  const lines = privacy.split("\n");
  const first = lines.indexOf(`| ${headings.join(" | ")} |`);
  expect(first, `a table with the headings ${headings}`).toBeGreaterThan(-1);
  const end = lines.findIndex((line, i) => i > first && !line.startsWith("|"));
  return lines.slice(first + 2, end).map((line) =>
    line
      .split("|")
      .map((cell) => cell.trim())
      .slice(1, -1),
  );
}

describe("docs/privacy.md", () => {
  it("lists the columns of the log", () => {
    const listed = readTable("column", "content", "why it is kept").flatMap(([columns = ""]) =>
      columns.split(", ").map((column) => column.replaceAll("`", "")),
    );
    const columns = Object.values(getTableColumns(requests)).map(({ name }) => name);
    expect(listed.toSorted()).toEqual(columns.toSorted());
  });

  it("says how long the ids of erased requests and the counts of the rate limits are kept", () => {
    const rows = readTable("where", "what", "how long");
    expect(rows.find(([where]) => where?.includes("`forgotten`"))?.[2]).toBe(
      `${ERASED_ID_RETENTION_DAYS} days`,
    );
    const [shortest, longest] = [...new Set(Object.values(RATE_LIMIT_PERIODS_SECONDS))].sort((a, b) => a - b);
    expect(privacy).toContain(`${shortest} or ${longest} seconds`);
  });
});

describe("Cloudflare's own logs", () => {
  it("contain the console lines of the Worker, and no requests or headers", () => {
    expect(parse(config).observability).toEqual({
      enabled: true,
      logs: { enabled: true, invocation_logs: false },
      traces: { enabled: false },
    });
  });
});
