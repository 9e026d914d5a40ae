import { afterEach, describe, expect, test } from "vitest";
import { createSpinner } from "../../cloudflare/spinner.ts";

const before = { isTTY: process.stderr.isTTY, columns: process.stderr.columns };
afterEach(() => void Object.assign(process.stderr, before));

describe("the line of progress", () => {
  test.each([
    ["is drawn on a terminal", 80, true],
    ["is plain text on a terminal without a size", 0, false],
  ])("%s", (_, columns, isEnabled) => {
    Object.assign(process.stderr, { isTTY: true, columns });
    expect(createSpinner({ isEnabled: true }).isEnabled).toBe(isEnabled);
  });
});
