import { EXAMPLE_STONE } from "../../src/domain/diamond.ts";
import type { HttpRequest } from "./http-client.ts";

type CreateRequest = (random: () => number) => HttpRequest;

const get = (path: string): HttpRequest => ({ method: "GET", path });
const post = (path: string, body: string): HttpRequest => ({ method: "POST", path, body });
const predict = (stone: object) => post("/v1/predictions", JSON.stringify(stone));

const VALID: readonly CreateRequest[] = [
  (random) => predict({ ...EXAMPLE_STONE, carat: 0.3 + 2 * random() }),
  (random) => predict({ carat: 0.3 + random(), cut: "Good", color: "D", clarity: "IF" }),
  () => get("/v1/diamonds/similar?carat=1&cut=Ideal&color=E&clarity=VS1&n=3"),
  () =>
    post(
      "/v1/predictions/batch",
      JSON.stringify({ diamonds: Array.from({ length: 20 }, () => EXAMPLE_STONE) }),
    ),
  () => get("/v1/models"),
  () => get("/health"),
];
const INVALID: readonly CreateRequest[] = [
  () => predict({ ...EXAMPLE_STONE, cut: "Ruby" }),
  (random) => predict({ ...EXAMPLE_STONE, carat: -random() }),
  () => post("/v1/predictions", '{"carat": 1'),
  () => get("/v1/nothing"),
  () => ({ method: "DELETE", path: "/v1/predictions" }),
  // Some bodies are too large for a row of the log, so they go to the bucket.
  (random) => post("/v1/predictions", random() < 0.02 ? "x".repeat(400_000) : "[]"),
];

/** Creates the request with the given index. One in three is invalid. */
export function createMixedRequest(index: number, random: () => number): HttpRequest {
  const kinds = index % 3 === 0 ? INVALID : VALID;
  return kinds[Math.floor(random() * kinds.length)]!(random);
}

export const PREDICTION: HttpRequest = predict(EXAMPLE_STONE);
