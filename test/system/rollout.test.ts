import { describe, expect, test } from "vitest";
import { WranglerError } from "../../cloudflare/wrangler.ts";
import { rollOutProgressively } from "../../scripts/progressive-rollout.ts";

/** Runs a rollout against a simulated Cloudflare and records the commands. */
function startRollout(answers: { serving: string | WranglerError; problems?: (string | null)[] }) {
  const commands: string[] = [];
  const problems = [...(answers.problems ?? [])];
  const run = rollOutProgressively({
    checkIntervalMs: 10_000,
    async runWrangler(args) {
      commands.push(args.join(" "));
      if (args[0] !== "deployments") return "";
      if (answers.serving instanceof WranglerError) throw answers.serving;
      return answers.serving;
    },
    async uploadVersion() {
      commands.push("upload");
      return "new";
    },
    checkVersion: async () => problems.shift() ?? null,
    sleep: async () => {},
    report: () => {},
  });
  return { run, commands };
}

const serving = JSON.stringify({
  versions: [
    { version_id: "other", percentage: 10 },
    { version_id: "old", percentage: 90 },
  ],
});
const STATUS = "deployments status --json";

describe("rollOutProgressively", () => {
  test("deploys to all callers in steps, then sets the cron triggers", async () => {
    const { run, commands } = startRollout({ serving });
    await run;
    expect(commands).toEqual([
      STATUS,
      "upload",
      "versions deploy new@0% old@100% --yes",
      "versions deploy new@10% old@90% --yes",
      "versions deploy new@50% old@50% --yes",
      "versions deploy new@100% --yes",
      "triggers deploy",
    ]);
  });

  test("rolls back if two checks in a row fail", async () => {
    const passedChecks = Array.from({ length: 6 }, () => null);
    const { run, commands } = startRollout({
      serving,
      problems: [...passedChecks, "/ready answered 503", "/ready answered 500"],
    });
    await expect(run).rejects.toThrow("new was not ready at 10 % of callers: /ready answered 500");
    expect(commands.slice(-2)).toEqual([
      "versions deploy new@10% old@90% --yes",
      "versions deploy old@100% --yes",
    ]);
  });

  test("continues after a single failed check, except after the last check of a step", async () => {
    const completed = startRollout({ serving, problems: [null, "timeout", null] });
    await completed.run;
    expect(completed.commands.at(-1)).toBe("triggers deploy");
    const failed = startRollout({ serving, problems: [null, null, null, null, null, "timeout"] });
    await expect(failed.run).rejects.toThrow("timeout");
  });

  test("deploys to all callers at once if there is no version yet", async () => {
    const { run, commands } = startRollout({
      serving: new WranglerError("deployments status", "✘ [ERROR] This Worker does not exist [code: 10007]"),
    });
    await run;
    expect(commands).toEqual([STATUS, "deploy"]);
  });

  test("does nothing if the token is not valid", async () => {
    const { run, commands } = startRollout({
      serving: new WranglerError("deployments status", "✘ [ERROR] Authentication error [code: 10000]"),
    });
    await expect(run).rejects.toThrow("Authentication error");
    expect(commands).toEqual([STATUS]);
  });
});
