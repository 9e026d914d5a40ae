import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  formatVersion,
  ModelName,
  parseVersion,
  toModelReference,
  versionField,
} from "../../../src/domain/models/model-reference.ts";
import { ModelSelector, parseSelector } from "../../../src/domain/models/model-selector.ts";

const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}(-[a-z0-9]{1,8}){0,3}$/);
const version = fc.integer({ min: 1, max: 999_999_999 });
const WRONG_VERSIONS = ["a@", "a@0", "a@-1", "a@1.5", "a@1@2", "a@01", "a@1e3", "a@1234567890"];
const WRONG_NAMES = ["", "A", "../a", "a b", "a--b", "-a", "a-", `a${"b".repeat(75)}`];

/** The longest name of a model with the longest version, and the same with one character more. */
const LONGEST = `${"a".repeat(64)}@999999999`;
const TOO_LONG = `a${LONGEST}`;

describe("ModelSelector", () => {
  it("accepts the longest name with the longest version, and nothing longer", () => {
    expect(ModelName.safeParse("a".repeat(64)).success).toBe(true);
    for (const schema of [ModelSelector, versionField("canary")]) {
      expect(schema.safeParse(LONGEST).success).toBe(true);
      expect(schema.safeParse(TOO_LONG).success).toBe(false);
    }
  });

  it("accepts names and versions, and parseSelector reads them", () => {
    fc.assert(
      fc.property(name, version, (text, number) => {
        const selector = ModelSelector.parse(formatVersion({ name: text, version: number }));
        expect(parseSelector(selector)).toEqual({ kind: "version", name: text, version: number });
        expect(parseSelector(ModelSelector.parse(text))).toEqual({ kind: "name", name: text });
      }),
    );
  });

  it("is the champion by default", () => {
    expect(ModelSelector.parse(undefined)).toBe("champion");
  });

  it.each([...WRONG_NAMES, ...WRONG_VERSIONS])("rejects %o", (text) => {
    expect(ModelSelector.safeParse(text).error?.issues[0]?.message).toMatch(/^model must be/);
  });
});

describe("versionField", () => {
  it("reads what formatVersion writes", () => {
    fc.assert(
      fc.property(name, version, (text, number) => {
        const model = { name: text, version: number };
        expect(versionField("canary").parse(formatVersion(model))).toEqual(model);
        expect(parseVersion(formatVersion(model))).toEqual(model);
      }),
    );
  });

  it.each([...WRONG_NAMES, ...WRONG_VERSIONS, "log-linear"])("rejects %o", (text) => {
    expect(versionField("canary").safeParse(text).error?.issues[0]?.message).toMatch(
      /^canary must be a model's name and version, such as log-linear@3; it is /,
    );
  });
});

describe("toModelReference", () => {
  it("is null unless both columns have a value", () => {
    expect(toModelReference("log-linear", 3)).toEqual({ name: "log-linear", version: 3 });
    expect(toModelReference(null, 3)).toBeNull();
    expect(toModelReference("log-linear", null)).toBeNull();
    expect(toModelReference(null, null)).toBeNull();
  });
});
