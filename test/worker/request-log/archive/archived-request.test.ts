import { beforeEach, describe, expect, it } from "vitest";
import { createRandom } from "../../../support/random.ts";
import { call, post } from "../../support/call.ts";
import { emptyStorage } from "../../support/empty-storage.ts";
import { createAuthorizationHeader, createKey } from "../../support/keys.ts";
import { archiveAll, createRecordsOfDay, startOfDay } from "../../support/request-log/archive.ts";
import { createIdAt, createRecord, insertRecords } from "../../support/request-log/log-rows.ts";

let random: () => number;

beforeEach(async () => {
  await emptyStorage();
  random = createRandom(3);
});

describe("an archived request", () => {
  it("is returned by its id", async () => {
    const headers = createAuthorizationHeader(await createKey("admin", ["admin"]));
    const all = createRecordsOfDay(120, 30, random);
    await insertRecords(all);
    await archiveAll();
    const { status, text } = await call(`/v1/requests/${all[6]?.id}`, { headers });
    expect(status).toBe(200);
    expect(JSON.parse(text)).toMatchObject({ id: all[6]?.id, requestBody: all[6]?.requestBody });
    expect((await call(`/v1/requests/${createIdAt(startOfDay(120), random)}`, { headers })).status).toBe(404);
  });

  it("accepts an outcome if it is a prediction", async () => {
    const prediction = createRecord(startOfDay(120), random, {
      method: "POST",
      path: "/v1/predictions",
      route: "/v1/predictions",
      price: 1000,
      model: "steep",
      modelVersion: 1,
    });
    await insertRecords([prediction]);
    await archiveAll();
    const { body } = await post<object>(`/v1/predictions/${prediction.id}/outcome`, { price: 1100 });
    expect(body).toMatchObject({ predicted: 1000, price: 1100 });
  });
});
