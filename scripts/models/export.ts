import { downloadFile, ignoreUnreadableFile } from "../../cloudflare/r2.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import type { Target } from "../../cloudflare/wrangler.ts";
import { formatVersion } from "../../src/domain/models/model-reference.ts";
import { ModelSelector, parseSelector, type Selector } from "../../src/domain/models/model-selector.ts";
import { buildExportFiles } from "../../training/mlflow/export-files.ts";
import { readRecord } from "../../training/registry/read-record.ts";
import { findSelectedModel, readRegistry } from "../../training/registry/read-registry.ts";
import { checkOutFolder, writeFolder } from "./out-folder.ts";

/** Reads the argument that names a model. */
export function parseModel(text: string): Selector {
  const parsed = ModelSelector.safeParse(text);
  if (!parsed.success)
    throw new UserError(
      `${text} is not a model: it must be a version (log-linear@3), a name (log-linear) or an alias (champion)`,
    );
  return parseSelector(parsed.data);
}

/**
 * Writes a version from the registry into a folder: its ONNX file, its model card, and what MLflow needs.
 * @throws UserError if there is no such version, if its file is missing or damaged, or if the folder has other files
 */
export async function exportVersion(target: Target, selector: Selector, folder: string): Promise<void> {
  await checkOutFolder(folder);
  const model = findSelectedModel(await readRegistry(target), selector);
  const [bytes, modelCard, record] = await Promise.all([
    downloadFile(target, model.key, model.sha256),
    model.report === null ? null : downloadModelCard(target, model.report),
    readRecord(target, model),
  ]);
  const files = buildExportFiles(record, bytes, modelCard);
  await writeFolder(folder, files);
  console.log(`${formatVersion(model)} -> ${folder}: ${[...files.keys()].join(", ")}`);
  if (modelCard === null) console.log("without a model card: this version has none that can be read");
}

/** The key of a model card has the SHA-256 of its content. A model without its card is still of use. */
async function downloadModelCard(target: Target, key: string): Promise<Uint8Array | null> {
  const hash = /([0-9a-f]{64})\.html$/.exec(key)?.[1] ?? "";
  return downloadFile(target, key, hash).catch(ignoreUnreadableFile);
}
