/** The client of @hey-api/openapi-ts. */
import { type Client, checkClient, read } from "./check-client.ts";
import { client as http } from "./generated/hey-api/client.gen.ts";
import * as api from "./generated/hey-api/index.ts";

export async function run(baseUrl: string, key: string): Promise<void> {
  http.setConfig({ baseUrl, auth: key });
  const client: Client = {
    predict: async (body, model) => read(await api.createPrediction({ body, query: { model } })),
    predictInDetail: async (body) =>
      read(await api.createPrediction({ body, query: { explain: "true", asking: 4200, comparables: 2 } })),
    async predictWrong() {
      const { error } = await api.createPrediction({
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
    predictBatch: async (diamonds) => read(await api.createPredictions({ body: { diamonds } })),
    listSimilar: async (stone, n) => read(await api.listSimilarDiamonds({ query: { ...stone, n } })),
    listModels: async () => read(await api.listModels()),
    listVersions: async (name) => read(await api.listVersions({ path: { name } })),
    getVersion: async (name, version) => read(await api.getVersion({ path: { name, version } })),
    listAliasPeriods: async (name, version) => read(await api.listAliasPeriods({ path: { name, version } })),
    moveAlias: async (alias, model, share) =>
      read(await api.moveAlias({ path: { alias }, body: { model, share, canary: null, reason: "test" } })),
    getAlias: async (alias) => read(await api.getAlias({ path: { alias } })),
    removeAlias: async (alias, reason) => read(await api.removeAlias({ path: { alias }, query: { reason } })),
    listRequests: async (query) => read(await api.listRequests({ query })),
    exportRequests: async (format) => read(await api.exportRequests({ query: { format }, parseAs: "text" })),
    getRequest: async (id) => read(await api.getRequest({ path: { id } })),
    getMonitoring: async (window) => read(await api.getMonitoring({ query: { window } })),
    reportOutcome: async (id, price, index) =>
      read(await api.createOutcome({ path: { id }, body: { price, index, soldAt: null } })),
    sendAppraisals: async (diamonds) => read(await api.createAppraisals({ body: { diamonds } })),
    withdraw: async (id, reason) => read(await api.withdrawDiamond({ path: { id }, query: { reason } })),
    isReady: async () => read(await api.getReadiness()).status === "ready",
  };
  await checkClient(client, "hey-api");
}
