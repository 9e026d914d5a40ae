import { CHAMPION } from "../domain/models/model-selector.ts";
import { PREDICTION_ROUTE } from "../domain/routes.ts";
import { resolveSelector } from "./resolve-version.ts";
import { withSession } from "./session-cache.ts";

let isStarted = false;

/**
 * Starts to load the champion with the first request of an isolate, whatever it asks for: for a prediction at
 * once, while its key is checked, and for another request after its response, which must not wait. A failure
 * is left to the first prediction, which tries again and reports it.
 */
export function preloadChampion(
  { url }: Request,
  response: Response | Promise<Response>,
  env: Env,
  executionCtx: ExecutionContext,
): void {
  if (isStarted) return;
  isStarted = true;
  const isPrediction = new URL(url).pathname.startsWith(PREDICTION_ROUTE);
  const start = isPrediction ? Promise.resolve() : Promise.resolve(response).then(() => scheduler.wait(0));
  executionCtx.waitUntil(start.then(() => loadChampion(env, executionCtx)).catch(() => {}));
}

async function loadChampion(env: Env, executionCtx: ExecutionContext): Promise<void> {
  const request = { at: Date.now(), diagnostics: [] };
  const { model } = await resolveSelector({ env, executionCtx, get: () => request }, CHAMPION);
  if (model === null) return;
  await withSession({ bucket: env.MODELS, background: executionCtx, model, usage: "alias" }, async () => {});
}
