import { createReadStream, existsSync } from "node:fs";
import { glob, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { UserError } from "../../cloudflare/user-error.ts";
import type { Source } from "../csv/read-text.ts";
import { escapeText } from "../files/quote-text.ts";
import { createUrlSource, hideSecrets } from "./url-source.ts";

/** A download fails if the server sends nothing for this long. */
const SILENCE_TIMEOUT_MS = 30_000;
/** Names of the standard input. It is not opened by these names: if it is a socket, that is impossible. */
const STANDARD_INPUT = ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];

/** Creates a source of the 53,940 stones of ggplot2's dataset `diamonds`, from an npm package. */
export function createEmbeddedSource(): Source {
  const path = createRequire(import.meta.url).resolve("@observablehq/sample-datasets/diamonds.csv");
  return createFileSource(path);
}

/**
 * Finds the sources that `--data` names: paths, glob patterns, pipes, `-` for the standard input, and http(s)
 * addresses, in the given order. An existing path is never treated as a pattern.
 * @throws UserError with the name if a file does not exist or a URL is invalid
 */
export async function findSources(
  names: readonly string[],
  silenceTimeoutMs = SILENCE_TIMEOUT_MS,
): Promise<Source[]> {
  const sources: Source[] = [];
  for (const name of names) {
    const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(name)?.[1]?.toLowerCase();
    if (STANDARD_INPUT.includes(name)) {
      sources.push({ name: "stdin", open: async () => openStandardInput() });
    } else if (/^https?:/i.test(name)) {
      sources.push(createUrlSource(name, silenceTimeoutMs));
    } else if (scheme === "file") {
      sources.push(await createCheckedFileSource(parseFileUrl(name)));
    } else if (existsSync(name)) {
      sources.push(await createCheckedFileSource(name));
    } else if (scheme !== undefined) {
      throw new UserError(
        `${hideSecrets(name)}: ${scheme} addresses are not read; pipe the file instead, with --data - for the standard input`,
      );
    } else {
      const paths = /[*?[{]/.test(name) ? (await Array.fromAsync(glob(name))).sort() : [];
      if (paths.length === 0) throw new UserError(`${escapeText(name, 200)}: no such file`);
      for (const path of paths) sources.push(await createCheckedFileSource(path));
    }
  }
  return sources;
}

function parseFileUrl(address: string): string {
  try {
    return fileURLToPath(address);
  } catch (cause) {
    throw new UserError(`${escapeText(address, 200)}: invalid file URL`, { cause });
  }
}

async function createCheckedFileSource(path: string): Promise<Source> {
  const kind = await stat(path);
  if (kind.isFile()) return createFileSource(path);
  if (!kind.isFIFO() && !kind.isCharacterDevice()) throw new UserError(`${path}: not a file`);
  // The shell's <(...) is a number in a folder of file descriptors.
  const name = /^\/(dev|proc\/self)\/fd\//.test(path) ? "pipe" : basename(path);
  return { name, open: async () => createReadStream(path) };
}

function createFileSource(path: string): Source {
  return { name: basename(path), open: async () => createReadStream(path) };
}

function openStandardInput(): Readable {
  if (process.stdin.readableDidRead) throw new UserError("stdin: the standard input can be read only once");
  return process.stdin;
}
