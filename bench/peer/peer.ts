/** FastAPI with XGBoost (app.py) in one uvicorn process, to compare Facet with. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findFreePort } from "../../cloudflare/dev-server.ts";
import { createVirtualEnvironment } from "../support/python-environment.ts";

const STONES_FILE = fileURLToPath(
  new URL("../../node_modules/@observablehq/sample-datasets/diamonds.csv", import.meta.url),
);
const READY_TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 100;
const LOG_TIMEOUT_MS = 30_000;
const LOG_POLL_INTERVAL_MS = 10;

export interface Peer {
  readonly url: string;
  /** The number of requests in its log. */
  countRows(): number;
  /** Waits until its log has this many requests, at most {@link LOG_TIMEOUT_MS}. */
  waitForRows(count: number): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Installs the packages of requirements.txt in a virtual environment and starts the server.
 * @param environment folder of the environment; kept, and reused if it exists. Default: in the scratch folder
 * @returns null if python3 has no venv, or if the packages cannot be installed
 */
export async function startPeer(scratch: string, environment?: string): Promise<Peer | null> {
  const python = createVirtualEnvironment(
    environment ?? join(scratch, "venv"),
    join(import.meta.dirname, "requirements.txt"),
  );
  if (python === null) return null;
  const log = join(mkdtempSync(join(scratch, "peer-")), "log.db");
  const port = await findFreePort();
  const args = ["-m", "uvicorn", "app:app", "--port", `${port}`, "--log-level", "warning", "--no-access-log"];
  const child = spawn(python, args, {
    cwd: import.meta.dirname,
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, STONES: STONES_FILE, LOG: log, PYTHONDONTWRITEBYTECODE: "1" },
  });
  const kill = () => child.kill("SIGKILL");
  process.on("exit", kill);
  const exited = new Promise<void>((resolveExit) => child.once("exit", () => resolveExit()));
  const url = `http://127.0.0.1:${port}`;
  await waitUntilReady(url, child);
  return {
    url,
    countRows: () => countRows(log),
    async waitForRows(count) {
      const deadline = Date.now() + LOG_TIMEOUT_MS;
      while (countRows(log) < count && Date.now() < deadline) await sleep(LOG_POLL_INTERVAL_MS);
    },
    async stop() {
      child.kill("SIGTERM");
      await exited;
      process.off("exit", kill);
    },
  };
}

async function waitUntilReady(url: string, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (child.exitCode === null && Date.now() < deadline) {
    const response = await fetch(`${url}/openapi.json`).catch(() => null);
    if (response?.ok) return;
    await sleep(POLL_INTERVAL_MS);
  }
  throw new Error("the FastAPI server exited or was not ready in time");
}

function countRows(log: string): number {
  const database = new DatabaseSync(log, { readOnly: true });
  try {
    return Number(database.prepare("SELECT count(*) AS count FROM requests").get()?.count);
  } finally {
    database.close();
  }
}
