import type { WranglerReport } from "./wrangler-reports.ts";

/** The effects of a deployment, so that a test can replace them. */
export interface DeployDependencies {
  /** Whether the environment has an API token. */
  readonly hasToken: boolean;
  /** Runs wrangler, again after transient errors, and returns its standard output. */
  runWrangler(args: readonly string[]): Promise<string>;
  /** Does the same, and returns what wrangler reports for programs: an entry for each action. */
  runWranglerReported(args: readonly string[]): Promise<WranglerReport[]>;
  /** Trains and publishes models on Cloudflare. */
  train(): Promise<void>;
  /** Creates a key with all scopes and prints it. */
  createFirstKey(): Promise<void>;
  /** The commit of this checkout; null if it has other changes, or is no repository. */
  findCommit(): Promise<string | null>;
  /** Returns why a version of the Worker is not ready; null if it is ready. Default: the one that callers get. */
  checkReady(url: URL, version?: string): Promise<string | null>;
  sleep(milliseconds: number): Promise<void>;
  report(line: string): void;
}

/** What the user wants of a deployment. */
export interface DeployOptions {
  /** Address of the Worker; null if it shall be found. */
  readonly url: URL | null;
  /** Whether a first key is created and printed. */
  readonly firstKey: boolean;
}

/** What the steps of a deployment find out for later steps. */
export interface DeployResult {
  /** Address of the Worker; null until it is known. */
  url: URL | null;
}
