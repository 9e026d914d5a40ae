import { expect, test } from "vitest";
import { ModelSelector, parseSelector } from "../../../src/domain/models/model-selector.ts";
import {
  findSelectedModel,
  type PublishedModel,
  type Registry,
} from "../../../training/registry/read-registry.ts";

const alias = (name: string, version: number) => ({
  name: "forest",
  alias: name,
  version,
  revision: 1,
  canaryName: null,
  canaryVersion: null,
});
/** The newest publication comes first. Version 10 of `forest` is newer than 9. */
const registry: Registry = {
  datasets: [],
  models: [
    ["forest", 9],
    ["forest", 10],
    ["linear", 1],
  ].map(([name, version]) => ({ name, version }) as PublishedModel),
  aliases: [alias("champion", 9), alias("lost", 8)],
  revisions: new Map(),
  pruneRevision: 0,
};
const find = (text: string) => findSelectedModel(registry, parseSelector(ModelSelector.parse(text)));

test.each([
  ["forest@9", { name: "forest", version: 9 }],
  ["forest", { name: "forest", version: 10 }],
  ["linear", { name: "linear", version: 1 }],
  ["champion", { name: "forest", version: 9 }],
])("%s selects a version", (text, model) => {
  expect(find(text)).toEqual(model);
});

test.each([
  ["forest@8", "forest@8 is not in the registry"],
  ["lost", "lost points at forest@8, which is not in the registry"],
  ["tree", "tree is not in the registry: it has champion, forest, linear, lost"],
])("%s is refused", (text, message) => {
  expect(() => find(text)).toThrow(message);
});

test("an empty registry says so", () => {
  const empty = { ...registry, models: [], aliases: [] };
  expect(() => findSelectedModel(empty, { kind: "name", name: "champion" })).toThrow(
    "champion is not in the registry: it has no models yet",
  );
});
