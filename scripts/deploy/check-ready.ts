import { WORKER_NAME } from "../../cloudflare/worker-config.ts";

const CHECK_TIMEOUT_MS = 20_000;

/**
 * Returns why the Worker at an address is not ready; null if it is ready.
 * @param version asks this version, whatever its percentage of callers is. Default: the one that callers get.
 */
export async function checkReady(url: URL, version?: string): Promise<string | null> {
  const readyUrl = new URL("/ready", url);
  const headers: Record<string, string> =
    version === undefined ? {} : { "Cloudflare-Workers-Version-Overrides": `${WORKER_NAME}="${version}"` };
  try {
    const response = await fetch(readyUrl, { headers, signal: AbortSignal.timeout(CHECK_TIMEOUT_MS) });
    await response.body?.cancel();
    return response.ok ? null : `${readyUrl} answers ${response.status}`;
  } catch (error) {
    return `${readyUrl}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
