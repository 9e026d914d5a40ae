/** Files that are made to need much time or memory. Each is refused in time proportional to its size. */
import { expect, test } from "vitest";
import { readXgboostModel } from "../../../training/xgboost/read-model.ts";
import { UnsupportedModelError } from "../../../training/xgboost/unsupported-model-error.ts";
import { editFixture } from "./fixtures.ts";

const MAX_MILLISECONDS = 3_000;
const MAX_MESSAGE_LENGTH = 3_000;
const MODEL = "3.2.0/ordinal.json";
const CATEGORICAL = "3.2.0/one-hot.json";

const latin1 = (text: string) => new Uint8Array(Buffer.from(text, "latin1"));
/** An int32 of UBJSON. */
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return `l${bytes.toString("latin1")}`;
};
/** Edits the first list of that name. */
const replaceList = (name: string, values: string) =>
  [new RegExp(`"${name}":\\s*\\[[^\\]]*\\]`), `"${name}":[${values}]`] as const;
const repeat = (value: string | number, count: number) => Array(count).fill(value).join(",");
const chain = (count: number, toChild: (node: number) => number) =>
  Array.from({ length: 2 * count + 1 }, (_, node) =>
    node % 2 === 0 && node < 2 * count ? toChild(node) : -1,
  ).join();

test.each<[string, () => Uint8Array, string | RegExp]>([
  [
    "36 KB that claim 72 million values without bytes",
    () => latin1(`{${int32(1)}a[${`[$Z#${int32(12_000)}`.repeat(2_250)}${"x".repeat(12_000)}`),
    "the UBJ file has more values than bytes",
  ],
  [
    "two million empty lists",
    () => latin1(`{${int32(1)}a[${"[]".repeat(2e6)}]}`),
    /too many lists and objects/,
  ],
  [
    "two million empty lists in JSON",
    () => latin1(`{"a":[${"[],".repeat(2e6)}[]]}`),
    /too many lists and objects/,
  ],
  ["a count far above the file", () => latin1(`{${int32(1)}a[#${int32(2 ** 31 - 1)}`), /is truncated/],
  ["a million nested lists", () => latin1(`{"a":${"[".repeat(1e6)}`), "the JSON file is nested too deeply"],
  ["a million nested objects", () => latin1(`{${`${int32(1)}a{`.repeat(1e6)}`), /nested too deeply/],
  ["a key twice", () => latin1(`{${int32(1)}aZ${int32(1)}aZ}`), /has the key "a" twice/],
  ["the key __proto__", () => latin1('{"__proto__": {"learner": {}}}'), /learner must be an object/],
  [
    "a string that does not end, with a million quotes",
    () => latin1(`{"a${'\\"'.repeat(1e6)}`),
    /^invalid JSON: /,
  ],
  [
    "a string of four million characters",
    () => latin1(`{"${"a".repeat(4e6)}": 1}`),
    /learner must be an object/,
  ],
  ["200,000 times NaN", () => latin1(`{"a":[${"NaN,".repeat(2e5)}NaN]}`), /learner must be an object/],
  ["a word instead of a value", () => latin1(`{"a": ${"N".repeat(1e6)}}`), /^invalid JSON: /],
  [
    "categories that overlap",
    () =>
      editFixture(
        CATEGORICAL,
        replaceList("categories", repeat(0, 20_000)),
        replaceList("categories_segments", repeat(0, 20_000)),
        replaceList("categories_sizes", repeat(20_000, 20_000)),
        replaceList("categories_nodes", repeat(0, 20_000)),
      ),
    "the categories of a split are incomplete or not integers",
  ],
  [
    "one split with 200,000 categories",
    () =>
      editFixture(
        CATEGORICAL,
        replaceList("categories", repeat(0, 200_000)),
        replaceList("categories_segments", "0"),
        replaceList("categories_sizes", "200000"),
        replaceList("categories_nodes", "0"),
      ),
    "the categories of a split are incomplete or not integers",
  ],
  [
    "category names that overlap",
    () =>
      editFixture(
        CATEGORICAL,
        [/"offsets":\[0[^\]]*\]/, `"offsets":[${"0,20000,".repeat(20_000)}0]`],
        [/"values":\s*\[\d[^\]]*\]/, `"values":[${repeat(65, 20_000)}]`],
      ),
    "the stored category names overlap or are incomplete",
  ],
  [
    "a tree that is a chain of 20,000 splits",
    () => {
      const nodes = 40_001;
      return editFixture(
        MODEL,
        replaceList(
          "left_children",
          chain(20_000, (node) => node + 1),
        ),
        replaceList(
          "right_children",
          chain(20_000, (node) => node + 2),
        ),
        ...["split_conditions", "split_indices", "default_left", "split_type"].map((name) =>
          replaceList(name, repeat(0, nodes)),
        ),
      );
    },
    "a tree is deeper than 1000 splits",
  ],
  [
    "an objective of a megabyte",
    () => editFixture(MODEL, [/reg:squarederror/, "r".repeat(1e6)]),
    /^the objective rrr.*\.\.\. is not supported/,
  ],
  [
    "feature names of a megabyte",
    () => editFixture(MODEL, replaceList("feature_names", repeat(`"${"n".repeat(1e5)}"`, 9))),
    /^unknown features nnn/,
  ],
  [
    "a base score of a megabyte",
    () => editFixture(MODEL, [/"base_score":".*?"/, `"base_score":"${"9".repeat(1e6)}"`]),
    /^the base score must be a number, but is "999/,
  ],
  [
    "100,000 feature names",
    () => editFixture(MODEL, replaceList("feature_names", repeat('"x"', 1e5))),
    "the model has 9 features but 100000 feature names",
  ],
  [
    "a best iteration below the first",
    () => editFixture("3.2.0/early.json", [/"best_iteration":"\d+"/, '"best_iteration":"-1"']),
    "the best iteration -1 is not a number of a tree",
  ],
])("%s", (_, createFile, message) => {
  const file = createFile();
  const start = performance.now();
  let error: unknown;
  try {
    readXgboostModel(file);
  } catch (cause) {
    error = cause;
  }
  expect(error).toBeInstanceOf(UnsupportedModelError);
  const text = (error as Error).message;
  if (typeof message === "string") expect(text).toBe(message);
  else expect(text).toMatch(message);
  expect(text.length).toBeLessThan(MAX_MESSAGE_LENGTH);
  // A quadratic reader takes minutes.
  expect(performance.now() - start).toBeLessThan(MAX_MILLISECONDS);
});
