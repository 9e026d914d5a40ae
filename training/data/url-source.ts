import querystring from "node:querystring";
import { Readable, Transform } from "node:stream";
import type { ReadableStream } from "node:stream/web";
import { UserError } from "../../cloudflare/user-error.ts";
import type { Source } from "../csv/read-text.ts";
import { escapeText } from "../files/quote-text.ts";
import { explainConnectionError } from "./connection-errors.ts";

const MAX_REDIRECTS = 10;
const REDIRECTS: readonly number[] = [301, 302, 303, 307, 308];

/** An address for an error text or the registry, without what may be secret: credentials and query. */
export function formatAddress(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`;
}

/** The same for a text that is no valid address. A password may have a slash, which is one reason to be invalid. */
export function hideSecrets(address: string): string {
  return escapeText(address.replace(/[?#].*$/s, "").replace(/^([a-z][a-z0-9+.-]*:\/{0,2}).*@/is, "$1"), 200);
}

/**
 * Creates a source that downloads a file.
 * @param silenceTimeoutMs the download fails if the server sends nothing for this long
 * @throws UserError if the address is invalid
 */
export function createUrlSource(address: string, silenceTimeoutMs: number): Source {
  const url = URL.parse(address);
  if (url === null) throw new UserError(`${hideSecrets(address)}: invalid URL`);
  const name = formatAddress(url);
  const timeoutError = new UserError(
    `${name}: the server sent nothing for ${silenceTimeoutMs / 1000} seconds`,
  );
  let redirectedTo: string | null = null;
  return {
    name,
    redirectedTo: () => redirectedTo,
    async open() {
      // The timer restarts with every chunk. A slow server can finish, but a silent one cannot block the run.
      const controller = new AbortController();
      const timer = setTimeout(() => controller.abort(timeoutError), silenceTimeoutMs);
      const toUserError = (cause: unknown) =>
        cause instanceof UserError
          ? cause
          : new UserError(`${name}: ${explainConnectionError(cause)}`, { cause });
      try {
        const { response, finalUrl } = await followRedirects(name, url, controller.signal);
        redirectedTo = finalUrl.href === url.href ? null : formatAddress(finalUrl);
        if (!response.ok || response.body === null) {
          await response.body?.cancel();
          const place = redirectedTo === null ? "" : `, redirected to ${redirectedTo}`;
          const reason = response.statusText ? ` (${escapeText(response.statusText)})` : "";
          throw new UserError(
            `${name}: the server responded with status ${response.status}${reason}${place}`,
          );
        }
        const body = Readable.fromWeb(response.body as ReadableStream);
        const output = new Transform({
          transform(chunk, _, done) {
            timer.refresh();
            done(null, chunk);
          },
        });
        body.on("error", (error) => output.destroy(toUserError(error)));
        output.on("close", () => {
          clearTimeout(timer);
          body.destroy();
        });
        return body.pipe(output);
      } catch (cause) {
        clearTimeout(timer);
        throw toUserError(cause);
      }
    },
  };
}

/** Follows redirects one by one, so that an error text can say where they lead. */
async function followRedirects(
  name: string,
  url: URL,
  signal: AbortSignal,
): Promise<{ response: Response; finalUrl: URL }> {
  let current = url;
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const response = await fetch(removeCredentials(current), {
      headers: createHeaders(current),
      redirect: "manual",
      signal,
    });
    const location = response.headers.get("location");
    if (!REDIRECTS.includes(response.status) || location === null) return { response, finalUrl: current };
    await response.body?.cancel();
    const next = URL.parse(location, current);
    if (next === null || !/^https?:$/.test(next.protocol)) {
      const place = next === null ? hideSecrets(location) : formatAddress(next);
      throw new UserError(`${name}: the server redirects to ${place}, which is no http(s) address`);
    }
    // Credentials are only for the server that they were given for.
    if (next.origin === current.origin && next.username === "" && next.password === "") {
      next.username = current.username;
      next.password = current.password;
    }
    current = next;
  }
  throw new UserError(
    `${name}: more than ${MAX_REDIRECTS} redirects, the last one to ${formatAddress(current)}`,
  );
}

/** `fetch` rejects URLs with credentials, so they are sent in a header. */
function removeCredentials(url: URL): URL {
  const copy = new URL(url);
  copy.username = copy.password = "";
  return copy;
}

function createHeaders({ username, password }: URL): Record<string, string> {
  if (username === "" && password === "") return {};
  const credentials = [username, password].map((text) => querystring.unescape(text)).join(":");
  return { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` };
}
