import { createReadStream, existsSync } from "node:fs";
import { glob, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename } from "node:path";
import querystring from "node:querystring";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { UserError } from "../../cloudflare/user-error.ts";

/** A file or an address with rows of stones. */
export interface Source {
  /** The name in the registry: the file name, or the address without credentials and query. */
  readonly name: string;
  open(): Promise<Readable>;
}

/** A download fails if the server sends nothing for this long. */
const SILENCE_TIMEOUT_MS = 30_000;

/** Creates a source of the 53,940 stones of ggplot2's dataset `diamonds`, from an npm package. */
export function createEmbeddedSource(): Source {
  const path = createRequire(import.meta.url).resolve("@observablehq/sample-datasets/diamonds.csv");
  return createFileSource(path);
}

/**
 * Finds the sources that `--data` names: paths, glob patterns and http(s) addresses, in the given order. An
 * existing path is never treated as a pattern.
 * @throws UserError with the name if a file does not exist or a URL is invalid
 */
export async function findSources(
  names: readonly string[],
  silenceTimeoutMs = SILENCE_TIMEOUT_MS,
): Promise<Source[]> {
  const sources: Source[] = [];
  for (const name of names) {
    if (/^https?:\/\//i.test(name)) {
      sources.push(createUrlSource(name, silenceTimeoutMs));
    } else if (existsSync(name)) {
      sources.push(await createCheckedFileSource(name));
    } else {
      const paths = /[*?[{]/.test(name) ? (await Array.fromAsync(glob(name))).sort() : [];
      if (paths.length === 0) throw new UserError(`${name}: no such file`);
      for (const path of paths) sources.push(await createCheckedFileSource(path));
    }
  }
  return sources;
}

async function createCheckedFileSource(path: string): Promise<Source> {
  if (!(await stat(path)).isFile()) throw new UserError(`${path}: not a file`);
  return createFileSource(path);
}

function createFileSource(path: string): Source {
  return { name: basename(path), open: async () => createReadStream(path) };
}

function createUrlSource(address: string, silenceTimeoutMs: number): Source {
  const url = URL.parse(address);
  if (url === null) throw new UserError(`${address}: invalid URL`);
  const name = `${url.origin}${url.pathname}`;
  // fetch rejects URLs with credentials, so they are sent in a header.
  const urlWithoutCredentials = new URL(url);
  urlWithoutCredentials.username = urlWithoutCredentials.password = "";
  const credentials = [url.username, url.password].map((text) => querystring.unescape(text)).join(":");
  const headers: Record<string, string> =
    credentials === ":" ? {} : { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` };
  const timeoutError = new UserError(
    `${name}: the server sent nothing for ${silenceTimeoutMs / 1000} seconds`,
  );
  return {
    name,
    async open() {
      // The timer restarts with every chunk. A slow server can finish, but a silent one cannot block the run.
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(timeoutError), silenceTimeoutMs);
      const response = await fetch(urlWithoutCredentials, { headers, signal: controller.signal }).catch(
        (cause) => {
          clearTimeout(timer);
          throw cause === timeoutError
            ? cause
            : new UserError(`${name}: cannot connect to the server`, { cause });
        },
      );
      if (!response.ok || response.body === null) {
        clearTimeout(timer);
        await response.body?.cancel();
        throw new UserError(`${name}: the server responded with status ${response.status}`);
      }
      const body = Readable.fromWeb(response.body as ReadableStream);
      body.on("data", () => timer.refresh());
      body.on("close", () => clearTimeout(timer));
      return body.pause();
    },
  };
}
