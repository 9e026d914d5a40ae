import { describe, expect, test } from "vitest";
import { UserError } from "../../cloudflare/user-error.ts";
import { rollOutProgressively } from "../../scripts/progressive-rollout.ts";

/** A Worker on a remote that cannot be had in a test: what it is told, and what it answers. */
function remote(answers: { serving: string | UserError; faults?: (string | null)[] }) {
  const told: string[] = [];
  const faults = [...(answers.faults ?? [])];
  const run = rollOutProgressively({
    async wrangler(args) {
      told.push(args.join(" "));
      if (args[0] !== "deployments") return "";
      if (answers.serving instanceof UserError) throw answers.serving;
      return answers.serving;
    },
    async upload() {
      told.push("upload");
      return "new";
    },
    fault: async () => faults.shift() ?? null,
    sleep: async () => {},
    say: () => {},
  });
  return { run, told };
}

const serving = JSON.stringify({
  versions: [
    { version_id: "stray", percentage: 10 },
    { version_id: "old", percentage: 90 },
  ],
});
const STATUS = "deployments status --json";

describe("a rollout", () => {
  test("goes to all callers in steps, then sets the cron triggers", async () => {
    const { run, told } = remote({ serving });
    await run;
    expect(told).toEqual([
      STATUS,
      "upload",
      "versions deploy new@0% old@100% --yes",
      "versions deploy new@10% old@90% --yes",
      "versions deploy new@50% old@50% --yes",
      "versions deploy new@100% --yes",
      "triggers deploy",
    ]);
  });

  test("goes back where the version fails twice in a row", async () => {
    const passed = Array.from({ length: 6 }, () => null);
    const { run, told } = remote({
      serving,
      faults: [...passed, "/ready answered 503", "/ready answered 500"],
    });
    await expect(run).rejects.toThrow("new was not ready at 10 % of the callers: /ready answered 500");
    expect(told.slice(-2)).toEqual([
      "versions deploy new@10% old@90% --yes",
      "versions deploy old@100% --yes",
    ]);
  });

  test("goes on after a single failure, unless it is a step's last check", async () => {
    const passing = remote({ serving, faults: [null, "timeout", null] });
    await passing.run;
    expect(passing.told.at(-1)).toBe("triggers deploy");
    const failing = remote({ serving, faults: [null, null, null, null, null, "timeout"] });
    await expect(failing.run).rejects.toThrow("timeout");
  });

  test("is a plain deployment where there was none before", async () => {
    const { run, told } = remote({ serving: new UserError("This Worker does not exist [code: 10007]") });
    await run;
    expect(told).toEqual([STATUS, "deploy"]);
  });

  test("does nothing where the token is refused", async () => {
    const { run, told } = remote({ serving: new UserError("Authentication error [code: 10000]") });
    await expect(run).rejects.toThrow("Authentication error");
    expect(told).toEqual([STATUS]);
  });
});
