import type { Hono } from "hono";
import type { DeployedVersion } from "./deployed-version.ts";
import { ApiError, answer } from "./envelope.ts";
import type { Scripts } from "./scripts.ts";

const SUBDOMAIN = "example";

/** Routes of an account's Workers: uploads, versions, deployments and what belongs to all versions. */
export function addWorkerRoutes(app: Hono, scripts: Scripts): void {
  addScriptRoutes(app, scripts);
  addVersionRoutes(app, scripts);
  addSettingRoutes(app, scripts);
}

function addScriptRoutes(app: Hono, scripts: Scripts): void {
  app.put("/workers/scripts/:script", async (c) => {
    const script = scripts.findOrCreate(c.req.param("script"));
    const version = await scripts.addVersion(script, (await c.req.formData()) as FormData);
    scripts.addDeployment(script, [{ version_id: version.id, percentage: 100 }]);
    return answer(c, {
      id: script.name,
      etag: version.id,
      tag: script.tag,
      deployment_id: version.id.replaceAll("-", ""),
      startup_time_ms: 1,
    });
  });
  app.get("/workers/services/:script", (c) => {
    const name = c.req.param("script");
    const { tag, tags } = scripts.find(name);
    return answer(c, {
      id: name,
      default_environment: {
        environment: "production",
        script: { id: name, tag, tags, last_deployed_from: "wrangler" },
      },
    });
  });
}

function addVersionRoutes(app: Hono, scripts: Scripts): void {
  app.get("/workers/scripts/:script/versions", (c) =>
    answer(c, { items: scripts.find(c.req.param("script")).versions.map(describeVersion) }),
  );
  app.post("/workers/scripts/:script/versions", async (c) => {
    const script = scripts.find(c.req.param("script"));
    const version = await scripts.addVersion(script, (await c.req.formData()) as FormData);
    return answer(c, { ...describeVersion(version), startup_time_ms: 1 });
  });
  app.get("/workers/scripts/:script/versions/:version", (c) => {
    const script = scripts.find(c.req.param("script"));
    return answer(c, describeVersion(scripts.findVersion(script, c.req.param("version"))));
  });
  app.get("/workers/scripts/:script/deployments", (c) =>
    answer(c, { deployments: scripts.find(c.req.param("script")).deployments }),
  );
  app.post("/workers/scripts/:script/deployments", async (c) => {
    const { versions, annotations } = await c.req.json();
    if (versions.length < 1 || versions.length > 2)
      throw new ApiError(400, 10210, "one or two versions are allowed");
    return answer(c, scripts.addDeployment(scripts.find(c.req.param("script")), versions, { annotations }));
  });
}

/** What belongs to a Worker and not to one of its versions, and the account's subdomain. */
function addSettingRoutes(app: Hono, scripts: Scripts): void {
  app.get("/workers/scripts/:script/settings", (c) => {
    const [newest] = scripts.find(c.req.param("script")).versions;
    return answer(c, { bindings: newest?.metadata.bindings ?? [] });
  });
  app.patch("/workers/scripts/:script/script-settings", async (c) => {
    const script = scripts.find(c.req.param("script"));
    const { tags = script.tags, ...settings } = await c.req.json();
    script.tags = tags;
    return answer(c, { ...settings, tags });
  });
  app.put("/workers/scripts/:script/schedules", async (c) => {
    const script = scripts.find(c.req.param("script"));
    const schedules = (await c.req.json()) as { cron: string }[];
    script.schedules = schedules.map(({ cron }) => cron);
    return answer(c, { schedules });
  });
  app.get("/workers/scripts/:script/secrets", (c) =>
    answer(
      c,
      [...scripts.find(c.req.param("script")).secrets.keys()].map((name) => ({ name, type: "secret_text" })),
    ),
  );
  app.put("/workers/scripts/:script/secrets", async (c) => {
    const { name, text } = await c.req.json();
    scripts.find(c.req.param("script")).secrets.set(name, text);
    return answer(c, { name, type: "secret_text" });
  });
  app.get("/workers/subdomain", (c) => answer(c, { subdomain: SUBDOMAIN }));
  app.get("/workers/workers/:script", (c) => {
    const { name, tag, subdomain } = scripts.find(c.req.param("script"));
    return answer(c, { id: tag, name, subdomain });
  });
  app.post("/workers/scripts/:script/subdomain", async (c) => {
    const script = scripts.find(c.req.param("script"));
    // Cloudflare's default of previews_enabled is that of `enabled`.
    const { enabled, previews_enabled = enabled } = await c.req.json();
    script.subdomain = { enabled, previews_enabled };
    return answer(c, script.subdomain);
  });
}

function describeVersion({ id, createdOn, metadata }: DeployedVersion) {
  return {
    id,
    metadata: {
      created_on: createdOn,
      author_email: "test@example.com",
      source: "wrangler",
      has_preview: false,
    },
    annotations: metadata.annotations ?? {},
    resources: {
      bindings: metadata.bindings,
      script_runtime: {},
      script: { etag: id, handlers: ["fetch", "scheduled"] },
    },
  };
}
