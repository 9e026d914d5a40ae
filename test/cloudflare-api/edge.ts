import { type HttpServer, serve } from "./http-server.ts";
import type { Script } from "./scripts.ts";
import type { Storage } from "./storage.ts";

/**
 * Serves a Worker as Cloudflare does: the header Cloudflare-Workers-Version-Overrides chooses one of the deployed
 * versions. Without it, the version with the most callers answers.
 */
export function serveWorker(script: Script, storage: Storage): Promise<HttpServer> {
  return serve(async (request) => {
    const [deployment] = script.deployments;
    const traffic = (deployment?.versions ?? []).toSorted((a, b) => b.percentage - a.percentage);
    const override = /^(?<name>[\w-]+)="(?<id>[0-9a-f-]+)"$/.exec(
      request.headers.get("cloudflare-workers-version-overrides") ?? "",
    )?.groups;
    // Cloudflare ignores an override that names a version which is not deployed.
    const chosen =
      traffic.find(({ version_id }) => override?.name === script.name && version_id === override.id) ??
      traffic[0];
    const version = script.versions.find(({ id }) => id === chosen?.version_id);
    if (version === undefined) return new Response("no deployed version", { status: 404 });
    const response = await storage.fetchVersion(version, request);
    response.headers.set("x-served-version", version.id);
    return response;
  });
}
