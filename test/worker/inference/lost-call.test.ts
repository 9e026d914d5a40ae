/** A call of the runtime that never ends, because the platform has stopped its request in the middle. */
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, expect, it, vi } from "vitest";
import { GRADE_COLUMNS, NUMBER_COLUMNS } from "../../../src/domain/diamond.ts";
import { endCall, startCall } from "../../../src/inference/exclusive-call.ts";
import type { Session } from "../../../src/inference/onnx-runtime.ts";
import { type ProblemDetails, post, STONE, sendWithoutBackground } from "../support/call.ts";
import { skipTime } from "../support/clock.ts";
import { publishModel } from "../support/registry.ts";

let runs = 0;
let neverEnds = false;

/** A runtime whose calls can get stuck. Like the real one, it asserts that they do not overlap. */
vi.mock("../../../src/inference/onnx-runtime.ts", () => ({
  createSession: async (): Promise<Session> => ({
    inputNames: [...NUMBER_COLUMNS, ...GRADE_COLUMNS],
    outputNames: ["price"],
    async run() {
      const call = startCall();
      runs++;
      if (neverEnds) await new Promise(() => {});
      endCall(call);
      return Float32Array.of(1000);
    },
    release: async () => {},
  }),
}));

const PATH = "/v1/predictions?model=good@1";
const predict = () => post<ProblemDetails & { price: number }>(PATH, STONE);

beforeAll(async () => {
  await publishModel({ name: "good", version: 1, file: "steep" });
});

afterEach(() => {
  vi.restoreAllMocks();
});

it("lets other requests be refused first, and after a minute lets them run", async () => {
  expect((await predict()).body.price).toBe(1000);
  neverEnds = true;
  const init = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(STONE),
  };
  void sendWithoutBackground(PATH, init, env);
  await vi.waitFor(() => expect(runs).toBe(2));
  neverEnds = false;
  skipTime(11);
  const { status, response } = await predict();
  expect({ status, retryAfter: response.headers.get("retry-after") }).toEqual({
    status: 503,
    retryAfter: "1",
  });
  expect(runs).toBe(2);
  vi.restoreAllMocks();
  skipTime(61);
  expect((await predict()).body.price).toBe(1000);
  expect((await predict()).body.price).toBe(1000);
  expect(runs).toBe(4);
});
