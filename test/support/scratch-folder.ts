import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A temporary folder of a test, which the test removes at its end. */
export interface ScratchFolder {
  readonly path: string;
  remove(): void;
}

export function createScratchFolder(): ScratchFolder {
  const path = mkdtempSync(join(tmpdir(), "facet-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
