import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Creates a folder that is deleted when this process exits. */
export function createScratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "facet-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
