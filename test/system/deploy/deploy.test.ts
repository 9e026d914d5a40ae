import { describe, expect, test } from "vitest";
import { UserError } from "../../../cloudflare/user-error.ts";
import type { DeployOptions } from "../../../scripts/deploy/dependencies.ts";
import { dryRun, runDeployment } from "../../../scripts/deploy/run.ts";
import { createDeployedAccount, StubAccount } from "./stub-account.ts";

const OPTIONS: DeployOptions = { url: null, firstKey: true };
const ALL_STEPS = [
  "d1 create facet-registry",
  "d1 create facet-log",
  "r2 bucket create facet-models",
  "d1 migrations apply facet-registry --remote",
  "d1 migrations apply facet-log --remote",
  "train",
  "deploy --tag aaaaaaaaaaaa",
  "create a key",
];
const ROLLOUT = (id: string, previous = "old") => [
  // It tells the address.
  "triggers deploy",
  "versions upload --tag aaaaaaaaaaaa",
  `versions deploy ${id}@0% ${previous}@100% --yes`,
  `versions deploy ${id}@10% ${previous}@90% --yes`,
  `versions deploy ${id}@50% ${previous}@50% --yes`,
  `versions deploy ${id}@100% --yes`,
  "triggers deploy",
];

describe("npm run deploy", () => {
  test("runs each step once, in order, in an empty account", async () => {
    const account = new StubAccount();
    await runDeployment(account, OPTIONS);
    expect(account.changes).toEqual(ALL_STEPS);
    expect(account.lines.at(-1)).toContain("Facet serves at  https://facet.example.workers.dev\n");
  });

  test("does nothing twice", async () => {
    const account = new StubAccount();
    await runDeployment(account, OPTIONS);
    for (const url of [null, new URL("https://facet.example.workers.dev")]) {
      account.calls.length = 0;
      await runDeployment(account, { ...OPTIONS, url });
      // Nobody can know whether the triggers are set, and setting them again changes nothing.
      expect(account.changes).toEqual(["triggers deploy"]);
      expect(account.lines.at(-1)).toContain("Facet serves at  https://facet.example.workers.dev\n");
    }
  });

  test.each(ALL_STEPS)("goes on where it stopped, after a failure of: %s", async (command) => {
    const account = new StubAccount();
    account.failure = { command, output: "✘ [ERROR] some fault" };
    await expect(runDeployment(account, OPTIONS)).rejects.toThrow("some fault");
    expect(account.changes).toEqual(ALL_STEPS.slice(0, ALL_STEPS.indexOf(command)));
    await runDeployment(account, OPTIONS);
    expect(account.changes.filter((change) => change !== "triggers deploy")).toEqual(ALL_STEPS);
  });

  test("migrates before a new commit serves, and gives it to the callers in steps", async () => {
    const account = createDeployedAccount();
    account.databases.get("facet-log")?.migrations.pop();
    await runDeployment(account, OPTIONS);
    expect(account.changes).toEqual(["d1 migrations apply facet-log --remote", ...ROLLOUT("00000002-0000")]);
  });

  test("sets the cron triggers only after the rollout, if the address is known", async () => {
    const account = createDeployedAccount();
    await runDeployment(account, { ...OPTIONS, url: new URL("https://facet.example.workers.dev") });
    expect(account.changes).toEqual(ROLLOUT("00000002-0000").slice(1));
  });

  test("sets the cron triggers if the deployment before stopped just before that", async () => {
    const account = createDeployedAccount();
    const options = { ...OPTIONS, url: new URL("https://facet.example.workers.dev") };
    account.failure = { command: "triggers deploy", output: "✘ [ERROR] some fault" };
    await expect(runDeployment(account, options)).rejects.toThrow("some fault");
    expect(account.changes).toEqual(ROLLOUT("00000002-0000").slice(1, -1));
    account.calls.length = 0;
    await runDeployment(account, options);
    expect(account.changes).toEqual(["triggers deploy"]);
  });

  test("rolls out again if a rollout stopped on its way", async () => {
    const account = createDeployedAccount();
    account.versions.push({ id: "new", tag: "aaaaaaaaaaaa" });
    account.traffic = [
      { version_id: "old", percentage: 10 },
      { version_id: "new", percentage: 90 },
    ];
    await runDeployment(account, OPTIONS);
    expect(account.changes).toEqual(ROLLOUT("00000003-0000", "new"));
  });

  test("rolls out a checkout with changes every time, because no commit names it", async () => {
    const account = createDeployedAccount();
    account.commit = null;
    await runDeployment(account, OPTIONS);
    expect(account.changes[1]).toBe("versions upload");
  });

  test("deploys at once over a Worker that has never had a model to price with", async () => {
    const account = createDeployedAccount();
    account.champion = null;
    await runDeployment(account, OPTIONS);
    expect(account.changes).toEqual(["train", "deploy --tag aaaaaaaaaaaa"]);
  });

  test("creates no key in a CI job, and says how to create one", async () => {
    const account = new StubAccount();
    await runDeployment(account, { ...OPTIONS, firstKey: false });
    expect(account.changes).toEqual(ALL_STEPS.slice(0, -1));
    expect(account.lines.at(-1)).toContain("npm run keys -- create --name admin");
  });

  test("waits for /ready, and fails with its answer after five minutes", async () => {
    const account = createDeployedAccount();
    account.champion = null;
    account.problems = ["503", "503"];
    await runDeployment(account, OPTIONS);
    expect(account.problems).toEqual([]);
    account.problems = Array(100).fill("/ready answers 503");
    await expect(runDeployment(account, OPTIONS)).rejects.toThrow("/ready answers 503, for 5 minutes");
  });
});

describe("npm run deploy -- --dry-run", () => {
  test("lists every step in order without a login, and asks nothing else", async () => {
    const account = new StubAccount();
    account.isLoggedIn = false;
    await dryRun(account, OPTIONS);
    expect(account.calls).toEqual(["whoami --json"]);
    const steps = account.lines.filter((line) => /^\d/.test(line)).map((line) => line.split("\n")[0]);
    expect(steps).toEqual([
      "1. create the database facet-registry: if it is missing",
      "2. create the database facet-log: if it is missing",
      "3. create the bucket facet-models: if it is missing",
      "4. migrate facet-registry: with the migrations that it does not have yet",
      "5. migrate facet-log: with the migrations that it does not have yet",
      "6. train and publish the first models: if there is no champion",
      expect.stringMatching(/^7\. deploy the Worker facet: at once if it is new, else in steps of 0, 10, 50/),
      expect.stringMatching(/^8\. wait until \/ready answers 200/),
      expect.stringMatching(/^9\. create a first key .*: if there is none/),
    ]);
  });

  test("says what an account needs, and changes nothing", async () => {
    const account = createDeployedAccount();
    account.databases.get("facet-log")?.migrations.pop();
    await dryRun(account, OPTIONS);
    expect(account.changes).toEqual([]);
    const text = account.lines.join("\n");
    expect(text).toContain("1. create the database facet-registry: not needed, it exists");
    expect(text).toContain("7. deploy the Worker facet in steps of 0, 10, 50 and 100 % of callers\n");
    expect(text).toMatch(/5\. migrate facet-log \(\d{4}_\w+\.sql\)\n/);
    expect(text).toContain(
      "6. train and publish the first models: not needed, gradient-boosting@1 is champion",
    );
    expect(text).toContain(
      "9. create a first key (predict, appraise, admin) and print it: not needed, there are keys",
    );
  });
});

describe("a login that cannot deploy", () => {
  const run = async (change: (account: StubAccount) => void) => {
    const account = new StubAccount();
    change(account);
    const error = await runDeployment(account, OPTIONS).then(
      () => null,
      (reason: unknown) => reason,
    );
    expect(account.changes).toEqual([]);
    expect(error).toBeInstanceOf(UserError);
    return (error as UserError).message;
  };
  const failWith = (command: string, output: string) =>
    run((account) => {
      account.failure = { command, output };
    });

  test("is named: none", async () => {
    const message = await run((account) => {
      account.isLoggedIn = false;
    });
    expect(message).toContain("there is no login: run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN");
  });

  test("is named: several accounts", async () => {
    const ids = ["0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"];
    const list = ids.map((id) => `  \`(redacted)\`: \`${id}\``).join("\n");
    const message = await failWith(
      "d1 list",
      `More than one account available but unable to select\n${list}`,
    );
    expect(message).toBe(
      `the login has several accounts: set CLOUDFLARE_ACCOUNT_ID to one of ${ids.join(", ")}`,
    );
  });

  test("is named: a token that is refused", async () => {
    const message = await failWith("d1 list", "✘ [ERROR] Authentication error [code: 10000]");
    expect(message).toMatch(/^Cloudflare refuses the login: .* D1: Edit, Workers R2 Storage: Edit/);
  });

  test("is not the reason if Cloudflare has a fault, although the code is the same", async () => {
    const output = "✘ [ERROR] We encountered an internal error. Please try again. [code: 10001]";
    const message = await failWith("r2 bucket list", output);
    expect(message).toBe(
      "wrangler r2 bucket list failed: We encountered an internal error. Please try again. [code: 10001]",
    );
  });

  test("is named: an account that does not exist", async () => {
    const message = await failWith("d1 list", "✘ [ERROR] Could not route to /accounts/x [code: 7003]");
    expect(message).toBe("Cloudflare knows no account with the id in CLOUDFLARE_ACCOUNT_ID");
  });

  test("is named: R2 is not switched on", async () => {
    const message = await failWith("r2 bucket list", "Please enable R2 [code: 10042]");
    expect(message).toContain("R2 is not switched on");
  });

  test("is named: the account has another project's Worker of this name", async () => {
    const message = await run((account) => {
      account.versions.push({ id: "other", tag: null });
      account.traffic = [{ version_id: "other", percentage: 100 }];
    });
    expect(message).toContain("may be another project; change `name` in wrangler.toml");
  });
});
