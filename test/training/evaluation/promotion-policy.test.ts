import { expect, test } from "vitest";
import type { Figures } from "../../../src/domain/model-record.ts";
import { type Candidate, judgeCandidates } from "../../../training/evaluation/promotion-policy.ts";

const figures = (mae: number, rows = 100): Figures => ({
  mae,
  rmse: mae,
  r2: 0.9,
  mape: 0.1,
  medianApe: 0.1,
  within10: 0.5,
  rows,
});

function contender(
  name: string,
  version: number,
  mae: number,
  bands: Record<string, Figures> = {},
): Candidate {
  return { name, version, metrics: { ...figures(mae), bands } };
}

test("the best of the run is the first champion", () => {
  const verdict = judgeCandidates([contender("a", 1, 300), contender("b", 1, 200)], null, "auto");
  expect(verdict).toEqual({
    challenger: { name: "b", version: 1 },
    champion: { name: "b", version: 1 },
    promoted: true,
    reason: "first champion: test MAE $200.0, the lowest of this run",
  });
});

test("a challenger must be better, not as good", () => {
  const champion = contender("b", 1, 200);
  expect(judgeCandidates([contender("a", 1, 200)], champion, "auto")).toEqual({
    challenger: { name: "a", version: 1 },
    champion: { name: "b", version: 1 },
    promoted: false,
    reason: "a@1: test MAE $200.0 does not beat $200.0 of b@1 on the same 100 test stones",
  });
  expect(judgeCandidates([contender("a", 1, 199.9)], champion, "auto")).toMatchObject({
    champion: { name: "a" },
    promoted: true,
  });
});

test("a carat band that becomes more than 10 % worse keeps the champion, if it has 30 stones", () => {
  const champion = contender("b", 1, 200, { "2+": figures(1000, 30) });
  const worse = [contender("a", 1, 150, { "2+": figures(1101, 30) })];
  expect(judgeCandidates(worse, champion, "auto")).toMatchObject({
    promoted: false,
    champion: { name: "b" },
  });
  expect(judgeCandidates(worse, champion, "auto").reason).toContain(
    "stones of 2+ carat become worse: $1,101.0 instead of $1,000.0",
  );
  const tolerated = [contender("a", 1, 150, { "2+": figures(1100, 30) })];
  expect(judgeCandidates(tolerated, champion, "auto")).toMatchObject({ promoted: true });
  const few = contender("b", 1, 200, { "2+": figures(1000, 29) });
  expect(judgeCandidates(worse, few, "auto")).toMatchObject({ promoted: true });
});

test("--promote never and force", () => {
  const champion = contender("b", 1, 200);
  expect(judgeCandidates([contender("a", 1, 100)], champion, "never")).toMatchObject({
    champion: { name: "b" },
    promoted: false,
  });
  expect(judgeCandidates([contender("a", 1, 100)], null, "never")).toMatchObject({
    champion: null,
    promoted: false,
  });
  expect(judgeCandidates([contender("a", 1, 999)], champion, "force")).toMatchObject({
    champion: { name: "a" },
    promoted: true,
  });
});
