import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashText, mix32 } from "../../src/lib/hash.ts";

/**
 * MurmurHash3's fmix32 as its author wrote it in C (Austin Appleby, MurmurHash3.cpp), with exact integers.
 */
function fmix32(value: bigint): bigint {
  const mask = 0xffff_ffffn;
  let h = value & mask;
  h ^= h >> 16n;
  h = (h * 0x85eb_ca6bn) & mask;
  h ^= h >> 13n;
  h = (h * 0xc2b2_ae35n) & mask;
  return h ^ (h >> 16n);
}

describe("mix32", () => {
  // MurmurHash3_x86_32 of the empty text is fmix32 of the seed. These are its published test vectors.
  it.each([
    [0, 0],
    [1, 0x514e_28b7],
    [0xffff_ffff, 0x81f1_6f39],
  ])("of %i is the published value", (value, expected) => {
    expect(mix32(value)).toBe(expected);
  });

  it("is fmix32 for every 32-bit integer, signed or unsigned", () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }), (value) => {
        expect(BigInt(mix32(value))).toBe(fmix32(BigInt(value)));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("hashText", () => {
  // FNV-1a's published test vectors (Landon Curt Noll), before the mixing.
  it.each([
    ["", 0x811c_9dc5],
    ["a", 0xe40c_292c],
    ["foobar", 0xbf9c_f968],
  ])("of %o is the mixed FNV-1a hash", (text, fnv1a) => {
    expect(BigInt(hashText(text))).toBe(fmix32(BigInt(fnv1a)));
  });
});
