/** The entry point: the Worker, with the ONNX runtime and the champion ready as early as possible. */
import "./inference/start-runtime.ts";
import type { RequestRecord } from "./db/request-log/requests.ts";
import { preloadChampion } from "./inference/preload.ts";
import worker from "./worker.ts";

export default {
  ...worker,

  fetch(request, env, context) {
    const response = worker.fetch(request, env, context);
    preloadChampion(request, response, env, context);
    return response;
  },
} satisfies ExportedHandler<Env, RequestRecord>;
