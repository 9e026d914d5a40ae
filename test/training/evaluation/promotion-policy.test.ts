import { expect, test } from "vitest";
import type { Figures } from "../../../src/domain/models/model-record.ts";
import { type Candidate, judgeCandidates } from "../../../training/evaluation/promotion-policy.ts";

const createFigures = (mae: number, rows = 100): Figures => ({
  mae,
  rmse: mae,
  r2: 0.9,
  mape: 0.1,
  medianApe: 0.1,
  within10: 0.5,
  rows,
});

function createCandidate(
  name: string,
  version: number,
  mae: number,
  bands: Record<string, Figures> = {},
): Candidate {
  return { name, version, metrics: { ...createFigures(mae), bands } };
}

test("the best candidate of the first run becomes the champion", () => {
  const verdict = judgeCandidates([createCandidate("a", 1, 300), createCandidate("b", 1, 200)], null, "auto");
  expect(verdict).toEqual({
    candidate: { name: "b", version: 1 },
    champion: { name: "b", version: 1 },
    promoted: true,
    reason: "first champion: test MAE $200.0, the lowest of this run",
  });
});

test("a candidate with an equal test MAE is not promoted", () => {
  const champion = createCandidate("b", 1, 200);
  expect(judgeCandidates([createCandidate("a", 1, 200)], champion, "auto")).toEqual({
    candidate: { name: "a", version: 1 },
    champion: { name: "b", version: 1 },
    promoted: false,
    reason: "a@1: test MAE $200.0 is not lower than $200.0 of b@1 on the same 100 test stones",
  });
  expect(judgeCandidates([createCandidate("a", 1, 199.9)], champion, "auto")).toMatchObject({
    champion: { name: "a" },
    promoted: true,
  });
});

test("a candidate whose MAE is more than 10 % higher in a carat band of at least 30 stones is not promoted", () => {
  const champion = createCandidate("b", 1, 200, { "2+": createFigures(1000, 30) });
  const worse = [createCandidate("a", 1, 150, { "2+": createFigures(1101, 30) })];
  expect(judgeCandidates(worse, champion, "auto")).toMatchObject({
    promoted: false,
    champion: { name: "b" },
  });
  expect(judgeCandidates(worse, champion, "auto").reason).toContain(
    "the MAE of 2+ carat stones rises from $1,000.0 to $1,101.0",
  );
  const tolerated = [createCandidate("a", 1, 150, { "2+": createFigures(1100, 30) })];
  expect(judgeCandidates(tolerated, champion, "auto")).toMatchObject({ promoted: true });
  const few = createCandidate("b", 1, 200, { "2+": createFigures(1000, 29) });
  expect(judgeCandidates(worse, few, "auto")).toMatchObject({ promoted: true });
});

test("--promote never keeps the champion, --promote force replaces it", () => {
  const champion = createCandidate("b", 1, 200);
  expect(judgeCandidates([createCandidate("a", 1, 100)], champion, "never")).toMatchObject({
    champion: { name: "b" },
    promoted: false,
  });
  expect(judgeCandidates([createCandidate("a", 1, 100)], null, "never")).toMatchObject({
    champion: null,
    promoted: false,
  });
  expect(judgeCandidates([createCandidate("a", 1, 999)], champion, "force")).toMatchObject({
    champion: { name: "a" },
    promoted: true,
  });
});
