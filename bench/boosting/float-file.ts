import { readFileSync, writeFileSync } from "node:fs";

/** Writes columns to a binary file, one after the other. */
export function writeFloats(file: string, columns: readonly Float32Array[]): void {
  writeFileSync(file, "");
  for (const column of columns) writeFileSync(file, column, { flag: "a" });
}

export function readFloats(file: string): Float32Array {
  const bytes = readFileSync(file);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}
