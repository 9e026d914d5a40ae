/** Trains the models of `npm start` once for all tests of the pages. */
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { prepareState } from "../../../bench/server/local-server.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Folder of the databases and the bucket, with a champion. Copy it: two servers cannot share it. */
    trainedState: string;
  }
}

export default async function setup(project: TestProject): Promise<() => void> {
  const folder = createScratchFolder();
  const state = join(folder.path, "state");
  await prepareState(state, { champion: true });
  project.provide("trainedState", state);
  return () => folder.remove();
}
