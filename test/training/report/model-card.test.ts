import { createHash } from "node:crypto";
import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import type { PricedStone } from "../../../src/domain/diamond.ts";
import { assignIds, type Dataset } from "../../../training/data/dataset.ts";
import { evaluateStones } from "../../../training/evaluation/evaluate.ts";
import { type ReportInput, renderReport } from "../../../training/report/model-card.ts";

const HOSTILE = `<script>alert("1")</script> & 'two' \u202ethree`;

/** Stones of every carat band, the model's prices 5 % above the real ones. */
function stones(count: number): PricedStone[] {
  return Array.from({ length: count }, (_, i) => {
    const carat = 0.2 + (2.4 * i) / count;
    const price = 300 * (1 + carat) ** 3;
    return { carat, cut: "Ideal", color: "H", clarity: "SI2", depth: 62, table: 55, x: 6, y: 6, z: 4, price };
  });
}

function input(count = 300): ReportInput {
  const test = assignIds(stones(count));
  const dataset: Dataset = {
    id: "d5".repeat(32),
    stones: test,
    sources: [
      { name: HOSTILE, rows: count, rejected: { "unknown cut": 3 }, readAt: "2026-11-24T01:02:03.000Z" },
    ],
    rejected: { "unknown cut": 3, "zero dimension": 1234 },
    examples: [],
  };
  const prices = Float32Array.from(test, (stone) => stone.price * 1.05);
  const metrics = evaluateStones(test, prices);
  const champion = { name: "log-linear", version: 2, metrics: { ...metrics, mae: metrics.mae * 2 } };
  const reference = { name: "gradient-boosting", version: 3 };
  return {
    model: {
      ...reference,
      bytes: new Uint8Array(2048),
      sha256: "ab".repeat(32),
      hyperparameters: { rounds: 100, minChildWeight: 1.5, note: HOSTILE, features: ["carat", "cut"] },
      metrics,
      prices,
      ranges: {},
      fitSeconds: 12.34,
      importance: { gain: null, permutation: { carat: 2103.2, color: 544.9, table: -0.4 } },
    },
    dataset,
    split: { train: test, test },
    decision: {
      verdict: { candidate: reference, champion: reference, promoted: true, reason: `better: ${HOSTILE}` },
      candidates: [{ ...reference, metrics }],
      champion,
    },
    origin: { gitCommit: "c0ffee", facetVersion: "1.2.3", runBy: "local" },
    seed: 4711,
    runSeconds: 100,
    createdAt: "2026-11-24T02:47:12.000Z",
    history: [
      { name: "gradient-boosting", version: 1, mae: 320, createdAt: "2026-11-22T00:00:00.000Z" },
      { name: "gradient-boosting", version: 2, mae: 300, createdAt: "2026-11-23T00:00:00.000Z" },
      { name: "log-linear", version: 2, mae: 800, createdAt: "2026-11-23T00:00:00.000Z" },
    ],
  };
}

/** The card as a reader has it: its document, and its text with single spaces. */
function read(report: string): { document: Document; text: string } {
  const { document } = parseHTML(report);
  return { document, text: (document.querySelector("body")?.textContent ?? "").replace(/\s+/g, " ") };
}

describe("a model card", () => {
  const report = renderReport(input());
  const { document, text } = read(report);

  test("needs nothing but itself", () => {
    const found = report.replaceAll(/xmlns(:\w+)?="[^"]*"/g, "").match(/https?:|\burl\(|@import|\bsrc=/gi);
    expect(found).toBeNull();
    expect([...document.querySelectorAll("script, link, iframe, img, object, embed, use, image")]).toEqual(
      [],
    );
    for (const element of document.querySelectorAll("*")) {
      expect(element.getAttributeNames().filter((name) => /^on|href|src/i.test(name))).toEqual([]);
    }
  });

  test("shows what comes from outside as text", () => {
    const shown = `<script>alert("1")</script> & 'two' \ufffdthree`;
    expect(text).toContain(`better: ${shown}`);
    expect(document.querySelector("table.text td")?.textContent).toBe(shown);
    expect(report.includes("<script")).toBe(false);
  });

  test("links a run by its address, and nothing else", () => {
    const linked = (runBy: string) => {
      const card = read(renderReport({ ...input(20), origin: { ...input(20).origin, runBy } })).document;
      return [...card.querySelectorAll("a")].map((a) => a.getAttribute("href"));
    };
    expect(linked("https://ci.example/runs/1?a=1&b=2")).toEqual(["https://ci.example/runs/1?a=1&b=2"]);
    expect(linked("javascript:alert(1)")).toEqual([]);
    expect(linked('https://ci.example/" onclick="alert(1)')).toEqual([]);
  });

  test("holds what the record holds", () => {
    const { model, dataset, decision } = input();
    for (const figure of [
      "gradient-boosting@3",
      dataset.id,
      model.sha256,
      "4711",
      "rounds100",
      "min child weight1.5",
      "featurescarat, cut",
      "c0ffee",
      "1.2.3",
      "24 November 2026, 02:47 UTC",
      "24 November 2026, 01:02 UTC",
      "fitted in 12.3 s, the run 1 min 40 s until publishing",
      "1,234 zero dimension, 3 unknown cut",
      "log-linear@2",
      "Became the champion",
      `$${model.metrics.mae.toFixed(1)}`,
      `$${decision.champion?.metrics.mae.toFixed(1)}`,
      "5.0 %",
      "−50.0 %",
      "+$2,103",
      "−$0.4",
    ]) {
      expect(text).toContain(figure);
    }
    const bands = [...document.querySelectorAll("table")][0]?.querySelectorAll("tbody th") ?? [];
    expect([...bands].map((cell) => cell.textContent)).toEqual([
      "all",
      "0-0.5",
      "0.5-1",
      "1-1.5",
      "1.5-2",
      "2+",
    ]);
  });

  test("draws every stone, every band, every property and every version", () => {
    const [prices, errors, importance, history] = document.querySelectorAll("figure");
    const marks = (figure: Element | undefined, kind: string) =>
      figure?.querySelectorAll(`[aria-label="${kind}"] > *`).length;
    expect(marks(prices, "dot")).toBe(300);
    expect(marks(errors, "rect")).toBe(5);
    expect(marks(importance, "bar")).toBe(3);
    expect(history?.querySelectorAll("circle").length).toBe(4 + 1);
    expect(report.includes("NaN")).toBe(false);
    expect(report.includes("⚠")).toBe(false);
  });
});

test("the same input in any order of its stones is the same file", () => {
  const first = input();
  const order = first.split.test.map((_, row) => row).reverse();
  const second: ReportInput = {
    ...first,
    model: { ...first.model, prices: Float32Array.from(order, (row) => first.model.prices[row]!) },
    split: { ...first.split, test: order.map((row) => first.split.test[row]!) },
  };
  const hash = (report: string) => createHash("sha256").update(report).digest("hex");
  expect(hash(renderReport(first))).toBe(hash(renderReport(first)));
  expect(hash(renderReport(second))).toBe(hash(renderReport(first)));
});

test("many stones are sampled over all prices", () => {
  const { document, text } = read(renderReport(input(20_000)));
  expect(text).toContain("2,000 of the 20,000 test stones");
  const dots = [...document.querySelectorAll("figure")][0]?.querySelectorAll("circle");
  expect(dots?.length).toBe(2000);
});

test("a first version, a single stone, no champion", () => {
  const few = input(1);
  const report = renderReport({
    ...few,
    history: [],
    decision: {
      candidates: few.decision.candidates,
      champion: null,
      verdict: {
        ...few.decision.verdict,
        champion: null,
        promoted: false,
        reason: "promotion is switched off",
      },
    },
  });
  expect(report.includes("NaN")).toBe(false);
  expect(read(report).text).toContain("There was no champion to compare it with");
  expect(read(report).text).toContain("Kept, but not serving: there is no champion.");
});

test("200 versions of a model leave a card of a readable size", () => {
  const history = Array.from({ length: 200 }, (_, i) => ({
    name: "gradient-boosting",
    version: i + 1,
    mae: 300 - i / 10,
    createdAt: "2026-11-22T00:00:00.000Z",
  }));
  const { model, ...rest } = input();
  const report = renderReport({ ...rest, model: { ...model, version: 201 }, history });
  expect(report.length).toBeLessThan(200_000);
});
