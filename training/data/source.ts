import { createReadStream, existsSync } from "node:fs";
import { glob, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename } from "node:path";
import querystring from "node:querystring";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { UserError } from "../../cloudflare/user-error.ts";

/** A place that rows are read from. */
export interface Source {
  /** What the registry records: the file's name, or the address without credentials and query. */
  readonly name: string;
  open(): Promise<Readable>;
}

/** How long a server may say nothing. */
const PATIENCE_MS = 30_000;

/** The 53,940 stones of ggplot2's dataset, as an npm package ships them. */
export function embeddedSource(): Source {
  const path = createRequire(import.meta.url).resolve("@observablehq/sample-datasets/diamonds.csv");
  return fileSource(path);
}

/**
 * The sources that `--data` names: paths, globs and http(s) addresses, in the order given.
 * A path that exists is taken literally, whatever characters it holds.
 * @throws Failure naming what is not there.
 */
export async function findSources(names: readonly string[], patienceMs = PATIENCE_MS): Promise<Source[]> {
  const sources: Source[] = [];
  for (const name of names) {
    if (/^https?:\/\//i.test(name)) {
      sources.push(urlSource(name, patienceMs));
    } else if (existsSync(name)) {
      sources.push(await checkedFile(name));
    } else {
      const found = /[*?[{]/.test(name) ? (await Array.fromAsync(glob(name))).sort() : [];
      if (found.length === 0) throw new UserError(`${name}: there is no such file`);
      for (const path of found) sources.push(await checkedFile(path));
    }
  }
  return sources;
}

async function checkedFile(path: string): Promise<Source> {
  if (!(await stat(path)).isFile()) throw new UserError(`${path}: this is not a file`);
  return fileSource(path);
}

function fileSource(path: string): Source {
  return { name: basename(path), open: async () => createReadStream(path) };
}

function urlSource(address: string, patienceMs: number): Source {
  const url = URL.parse(address);
  if (url === null) throw new UserError(`${address}: this is not an address`);
  const name = `${url.origin}${url.pathname}`;
  // fetch refuses addresses with credentials in them.
  const bare = new URL(url);
  bare.username = bare.password = "";
  const credentials = [url.username, url.password].map((text) => querystring.unescape(text)).join(":");
  const headers: Record<string, string> =
    credentials === ":" ? {} : { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` };
  const silence = new UserError(`${name}: no answer for ${patienceMs / 1000} seconds`);
  return {
    name,
    async open() {
      // A server that says nothing must not hold the run for ever, while a slow one may take its time.
      const watch = new AbortController();
      const alarm = setTimeout(() => watch.abort(silence), patienceMs);
      const response = await fetch(bare, { headers, signal: watch.signal }).catch((cause) => {
        clearTimeout(alarm);
        throw cause === silence ? cause : new UserError(`${name}: cannot be reached`, { cause });
      });
      if (!response.ok || response.body === null) {
        clearTimeout(alarm);
        await response.body?.cancel();
        throw new UserError(`${name}: the server answered ${response.status}`);
      }
      const body = Readable.fromWeb(response.body as ReadableStream);
      body.on("data", () => alarm.refresh());
      body.on("close", () => clearTimeout(alarm));
      return body.pause();
    },
  };
}
