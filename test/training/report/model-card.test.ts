import { createHash } from "node:crypto";
import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import type { PricedStone } from "../../../src/domain/diamond.ts";
import type { Background } from "../../../src/domain/prediction/explanation.ts";
import type { Dataset } from "../../../training/data/dataset.ts";
import { assignIds } from "../../../training/data/dataset-stone.ts";
import { computeMetrics } from "../../../training/evaluation/metrics.ts";
import { type ModelCardInput, renderModelCard } from "../../../training/report/model-card.ts";
import { calibration } from "../../support/calibration.ts";

const UNSAFE_TEXT = `<script>alert("1")</script> & 'two' \u202ethree`;

/** Creates stones of every carat band. */
function createStones(count: number): PricedStone[] {
  return Array.from({ length: count }, (_, i) => {
    const carat = 0.2 + (2.4 * i) / count;
    const price = 300 * (1 + carat) ** 3;
    return { carat, cut: "Ideal", color: "H", clarity: "SI2", depth: 62, table: 55, x: 6, y: 6, z: 4, price };
  });
}

/** Creates a model card input. The model's prices are 5 % above the real prices. */
function createInput(count = 300): ModelCardInput {
  const test = assignIds(createStones(count));
  const dataset: Dataset = {
    id: "d5".repeat(32),
    stones: test,
    sources: [
      { name: UNSAFE_TEXT, rows: count, rejected: { "unknown cut": 3 }, readAt: "2026-11-24T01:02:03.000Z" },
    ],
    rejected: { "unknown cut": 3, "zero dimension": 1234 },
    examples: [],
  };
  const prices = Float32Array.from(test, (stone) => stone.price * 1.05);
  const metrics = computeMetrics(test, prices);
  const champion = { name: "log-linear", version: 2, metrics: { ...metrics, mae: metrics.mae * 2 } };
  const reference = { name: "gradient-boosting", version: 3 };
  return {
    model: {
      ...reference,
      bytes: new Uint8Array(2048),
      sha256: "ab".repeat(32),
      memory: { memoryBytes: 29_806_592, sessionBytes: 6_934_528 },
      hyperparameters: { rounds: 100, minChildWeight: 1.5, note: UNSAFE_TEXT, features: ["carat", "cut"] },
      metrics,
      prices,
      ranges: {},
      plausibility: null,
      background: {} as Background,
      calibration,
      examples: [
        {
          stone: test[0]!,
          price: 4784.83,
          explanation: {
            basePrice: 2410.71,
            reasons: [
              { feature: "size", value: "1.1 ct", factor: 2.5, amount: 3374.12, text: "" },
              { feature: "clarity", value: "SI2", factor: 0.8, amount: -1000, text: "" },
            ],
          },
        },
      ],
      fitSeconds: 12.34,
      importance: { gain: null, permutation: { carat: 2103.2, color: 544.9, table: -0.4 } },
    },
    dataset,
    split: { train: test, test },
    decision: {
      verdict: {
        candidate: reference,
        champion: reference,
        promoted: true,
        reason: `better: ${UNSAFE_TEXT}`,
      },
      candidates: [{ ...reference, metrics }],
      champion,
    },
    provenance: { gitCommit: "c0ffee", facetVersion: "1.2.3", runBy: "local" },
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

/** Parses a model card: its document, and its text with single spaces. */
function parseCard(report: string): { document: Document; text: string } {
  const { document } = parseHTML(report);
  return { document, text: (document.querySelector("body")?.textContent ?? "").replace(/\s+/g, " ") };
}

describe("a model card", () => {
  const report = renderModelCard(createInput());
  const { document, text } = parseCard(report);

  test("has no external resources and no scripts", () => {
    const found = report.replaceAll(/xmlns(:\w+)?="[^"]*"/g, "").match(/https?:|\burl\(|@import|\bsrc=/gi);
    expect(found).toBeNull();
    expect([...document.querySelectorAll("script, link, iframe, img, object, embed, use, image")]).toEqual(
      [],
    );
    for (const element of document.querySelectorAll("*")) {
      expect(element.getAttributeNames().filter((name) => /^on|href|src/i.test(name))).toEqual([]);
    }
  });

  test("escapes names and texts from outside", () => {
    const shown = `<script>alert("1")</script> & 'two' \ufffdthree`;
    expect(text).toContain(`better: ${shown}`);
    expect(document.querySelector("table.text td")?.textContent).toBe(shown);
    expect(report.includes("<script")).toBe(false);
  });

  test("shows the newest of many sources, and the number of the others", () => {
    const input = createInput(20);
    const createSources = (count: number, name: string) =>
      Array.from({ length: count }, (_, i) => ({ ...input.dataset.sources[0]!, name: `${name} ${i}` }));
    const base = { seq: 1, sources: { total: 900, newest: createSources(20, "old") } };
    const findNames = (count: number) => {
      const dataset = { ...input.dataset, base, sources: createSources(count, "new") };
      const card = parseCard(renderModelCard({ ...input, dataset }));
      const rows = [...card.document.querySelectorAll("table.text tbody tr")];
      return { text: card.text, names: rows.map((row) => row.querySelector("td")?.textContent) };
    };
    const few = findNames(2);
    expect(few.names).toEqual(
      [...createSources(20, "old").slice(2), ...createSources(2, "new")].map(({ name }) => name),
    );
    expect(few.text).toContain("The newest 20 sources; 882 more are older.");
    const many = findNames(900);
    expect(many.names).toEqual(
      createSources(900, "new")
        .slice(-20)
        .map(({ name }) => name),
    );
    expect(many.text).toContain("The newest 20 sources; 1,780 more are older.");
    expect(text).not.toContain("The newest");
  });

  test("links only https addresses of runs", () => {
    const findLinks = (runBy: string) => {
      const card = parseCard(
        renderModelCard({ ...createInput(20), provenance: { ...createInput(20).provenance, runBy } }),
      ).document;
      return [...card.querySelectorAll("a")].map((a) => a.getAttribute("href"));
    };
    expect(findLinks("https://ci.example/runs/1?a=1&b=2")).toEqual(["https://ci.example/runs/1?a=1&b=2"]);
    expect(findLinks("javascript:alert(1)")).toEqual([]);
    expect(findLinks('https://ci.example/" onclick="alert(1)')).toEqual([]);
  });

  test("shows the metrics, the settings, the origin and the data", () => {
    const { model, dataset, decision } = createInput();
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
      "training 12.3 s, run 1 min 40 s",
      "1,234 zero dimension, 3 unknown cut",
      "log-linear@2",
      "This version became the champion",
      `$${model.metrics.mae.toFixed(1)}`,
      `$${decision.champion?.metrics.mae.toFixed(1)}`,
      "5.0 %",
      "−50.0 %",
      "+$2,103",
      "−$0.4",
      "90.0 %20 %",
      "+$3,374",
      "−$1,000",
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

  test("plots all stones, bands, properties and versions", () => {
    const [prices, errors, coverage, , reasons, importance, history] = document.querySelectorAll("figure");
    const countMarks = (figure: Element | undefined, kind: string) =>
      figure?.querySelectorAll(`[aria-label="${kind}"] > *`).length;
    expect(countMarks(prices, "dot")).toBe(300);
    expect(countMarks(errors, "rect")).toBe(5);
    expect(countMarks(coverage, "rule")).toBe(1);
    expect(countMarks(reasons, "bar")).toBe(2);
    expect(countMarks(importance, "bar")).toBe(3);
    expect(history?.querySelectorAll("circle").length).toBe(4 + 1);
    expect(report.includes("NaN")).toBe(false);
    expect(report.includes("⚠")).toBe(false);
  });
});

test("the order of the stones does not change the file", () => {
  const first = createInput();
  const order = first.split.test.map((_, row) => row).reverse();
  const second: ModelCardInput = {
    ...first,
    model: { ...first.model, prices: Float32Array.from(order, (row) => first.model.prices[row]!) },
    split: { ...first.split, test: order.map((row) => first.split.test[row]!) },
  };
  const hash = (report: string) => createHash("sha256").update(report).digest("hex");
  expect(hash(renderModelCard(first))).toBe(hash(renderModelCard(first)));
  expect(hash(renderModelCard(second))).toBe(hash(renderModelCard(first)));
});

test("a large number of stones is sampled over all prices", () => {
  const { document, text } = parseCard(renderModelCard(createInput(20_000)));
  expect(text).toContain("2,000 of the 20,000 test stones");
  const dots = [...document.querySelectorAll("figure")][0]?.querySelectorAll("circle");
  expect(dots?.length).toBe(2000);
});

test("renders a first version with a single test stone and no champion", () => {
  const minimal = createInput(1);
  const report = renderModelCard({
    ...minimal,
    history: [],
    decision: {
      candidates: minimal.decision.candidates,
      champion: null,
      verdict: {
        ...minimal.decision.verdict,
        champion: null,
        promoted: false,
        reason: "promotion is disabled (--promote never)",
      },
    },
  });
  expect(report.includes("NaN")).toBe(false);
  expect(parseCard(report).text).toContain("There was no champion to compare this version with");
  expect(parseCard(report).text).toContain("This version is stored, but not in use: there is no champion.");
});

test("200 versions do not make the file too large", () => {
  const history = Array.from({ length: 200 }, (_, i) => ({
    name: "gradient-boosting",
    version: i + 1,
    mae: 300 - i / 10,
    createdAt: "2026-11-22T00:00:00.000Z",
  }));
  const { model, ...rest } = createInput();
  const report = renderModelCard({ ...rest, model: { ...model, version: 201 }, history });
  expect(report.length).toBeLessThan(200_000);
});

test("shows new against old prices, and grades with few training stones", () => {
  const input = createInput();
  const all = { name: "all", rows: 300, medianRatio: 1.0812, mae: 41, championMae: 42, standardError: 1 };
  const priceComparisons = [[all, { ...all, name: "cut Ideal", rows: 290, medianRatio: 0.95 }]];
  const { text } = parseCard(
    renderModelCard({ ...input, decision: { ...input.decision, priceComparisons } }),
  );
  expect(text).toMatch(/all ?300 ?1\.081 ?\$42\.0 ?\$41\.0/);
  expect(text).toMatch(/cut Ideal ?290 ?0\.950/);
  // All stones of the input have the same grades.
  expect(text).toContain("cut Fair (0), cut Good (0), cut Very Good (0), cut Premium (0), color J (0)");
});
