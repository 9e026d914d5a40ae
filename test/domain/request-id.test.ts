import { expect, it } from "vitest";
import { createRequestId, firstIdAt, getIdTime } from "../../src/domain/request-id.ts";

const AT = Date.parse("2026-11-30T12:34:56.789Z");

it("is a UUIDv7 with the time of the request", () => {
  const id = createRequestId(AT);
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(getIdTime(id)).toBe(AT);
});

it("sorts by time, and is never the same twice", () => {
  const ids = Array.from({ length: 1_000 }, (_, i) => createRequestId(AT + Math.floor(i / 100)));
  expect(new Set(ids).size).toBe(1_000);
  const times = ids.toSorted().map((id) => getIdTime(id));
  expect(times).toEqual(times.toSorted());
  expect(ids.every((id) => id >= firstIdAt(getIdTime(id)!))).toBe(true);
});
