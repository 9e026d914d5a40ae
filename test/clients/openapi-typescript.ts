/** The client of openapi-typescript and openapi-fetch. */
import createClient from "openapi-fetch";
import { type Client, checkClient, read } from "./check-client.ts";
import type { paths } from "./generated/openapi-typescript.ts";

export async function run(baseUrl: string, key: string): Promise<void> {
  const api = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${key}` } });
  const client: Client = {
    predict: async (body, model) =>
      read(await api.POST("/v1/predictions", { body, params: { query: { model } } })),
    predictInDetail: async (body) => {
      const query = { explain: "true", asking: 4200, comparables: 2 } as const;
      return read(await api.POST("/v1/predictions", { body, params: { query } }));
    },
    async predictWrong() {
      const { error } = await api.POST("/v1/predictions", {
        body: {
          carat: 1,
          // @ts-expect-error: there is no such grade, and the types say so.
          cut: "Ruby",
          color: "H",
          clarity: "SI2",
        },
      });
      if (error === undefined) throw new Error("a wrong stone was priced");
      return error;
    },
    predictBatch: async (diamonds) => read(await api.POST("/v1/predictions/batch", { body: { diamonds } })),
    listSimilar: async (stone, n) =>
      read(await api.GET("/v1/diamonds/similar", { params: { query: { ...stone, n } } })),
    listModels: async () => read(await api.GET("/v1/models")),
    listVersions: async (name) => read(await api.GET("/v1/models/{name}", { params: { path: { name } } })),
    getVersion: async (name, version) =>
      read(await api.GET("/v1/models/{name}/versions/{version}", { params: { path: { name, version } } })),
    listAliasPeriods: async (name, version) =>
      read(
        await api.GET("/v1/models/{name}/versions/{version}/alias-periods", {
          params: { path: { name, version } },
        }),
      ),
    moveAlias: async (alias, model, share) =>
      read(
        await api.PUT("/v1/aliases/{alias}", {
          params: { path: { alias } },
          body: { model, share, canary: null, reason: "test" },
        }),
      ),
    getAlias: async (alias) => read(await api.GET("/v1/aliases/{alias}", { params: { path: { alias } } })),
    removeAlias: async (alias, reason) =>
      read(await api.DELETE("/v1/aliases/{alias}", { params: { path: { alias }, query: { reason } } })),
    listRequests: async (query) => read(await api.GET("/v1/requests", { params: { query } })),
    exportRequests: async (format) =>
      read(await api.GET("/v1/requests/export", { params: { query: { format } }, parseAs: "text" })),
    getRequest: async (id) => read(await api.GET("/v1/requests/{id}", { params: { path: { id } } })),
    getMonitoring: async (window) => read(await api.GET("/v1/monitoring", { params: { query: { window } } })),
    reportOutcome: async (id, price, index) =>
      read(
        await api.POST("/v1/predictions/{id}/outcome", {
          params: { path: { id } },
          body: { price, index, soldAt: null },
        }),
      ),
    sendAppraisals: async (diamonds) => read(await api.POST("/v1/diamonds", { body: { diamonds } })),
    withdraw: async (id, reason) =>
      read(await api.DELETE("/v1/diamonds/{id}", { params: { path: { id }, query: { reason } } })),
    isReady: async () => read(await api.GET("/ready")).status === "ready",
  };
  await checkClient(client, "openapi-typescript");
}
