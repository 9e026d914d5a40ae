import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { explainConnectionError } from "../../../training/data/connection-errors.ts";
import { readSources } from "../../../training/data/read-sources.ts";
import { findSources } from "../../../training/data/source.ts";
import { withHttpServer } from "../../support/http-server.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";

const FILE = `carat,cut,color,clarity,depth,table,price,x,y,z\n0.23,Ideal,E,SI2,61.5,55,326,3.95,3.98,2.43\n`;
const folder = createScratchFolder();
afterAll(() => folder.remove());

const read = async (name: string) => (await readSources(await findSources([name])))[0];

describe("a file that cannot be downloaded: the error says why", () => {
  test("the server refuses the connection", async () => {
    const server = createTcpServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address() as { port: number };
    server.close();
    await once(server, "close");
    await expect(read(`http://u:secret@127.0.0.1:${address.port}/stones.csv?token=secret`)).rejects.toThrow(
      new RegExp(
        `^http://127.0.0.1:${address.port}/stones.csv: the server refuses the connection \\(ECONNREFUSED\\)$`,
      ),
    );
  });

  test("the name is unknown", async () => {
    await expect(read("http://nowhere.invalid/stones.csv")).rejects.toThrow(
      /^http:\/\/nowhere.invalid\/stones.csv: (there is no server with this name|the name of the server cannot be looked up)/,
    );
  });

  test("the server speaks http, not https", async () => {
    await withHttpServer(
      (_, response) => response.end(FILE),
      async (url) =>
        expect(read(`${url.replace("http", "https")}/stones.csv`)).rejects.toThrow(
          "/stones.csv: the server does not speak https on this port",
        ),
    );
  });

  test("the server answers with an error, after a redirect", async () => {
    await withHttpServer(
      ({ url }, response) =>
        url?.startsWith("/login")
          ? response.writeHead(403, "Not today").end()
          : response.writeHead(302, { location: "/login?back=secret" }).end(),
      async (url) =>
        expect(read(`${url}/stones.csv`)).rejects.toThrow(
          `${url}/stones.csv: the server responded with status 403 (Not today), redirected to ${url}/login`,
        ),
    );
  });

  test("the server redirects to a login page", async () => {
    await withHttpServer(
      ({ url }, response) =>
        url === "/login"
          ? response.end("<!doctype html><title>Sign in</title>")
          : response.writeHead(302, { location: "/login" }).end(),
      async (url) =>
        expect(read(`${url}/stones.csv`)).rejects.toThrow(
          `${url}/stones.csv: the file is an HTML page (the server redirected to ${url}/login): it may be a login page`,
        ),
    );
  });

  test("the server redirects for ever, or to another kind of address", async () => {
    const locations: Record<string, string> = {
      "/loop": "/loop?secret",
      "/ftp": "ftp://u:secret@host/x?secret",
    };
    await withHttpServer(
      ({ url = "" }, response) =>
        response.writeHead(302, { location: locations[url.replace(/\?.*/, "")] }).end(),
      async (url) => {
        await expect(read(`${url}/loop`)).rejects.toThrow(
          `${url}/loop: more than 10 redirects, the last one to ${url}/loop`,
        );
        await expect(read(`${url}/ftp`)).rejects.toThrow(
          `${url}/ftp: the server redirects to ftp://host/x, which is no http(s) address`,
        );
      },
    );
  });

  test.each([
    ["CERT_HAS_EXPIRED", "the certificate of the server has expired (CERT_HAS_EXPIRED)"],
    [
      "DEPTH_ZERO_SELF_SIGNED_CERT",
      "the certificate of the server is self-signed and not trusted (DEPTH_ZERO_SELF_SIGNED_CERT)",
    ],
    ["CERT_UNTRUSTED", "the certificate of the server is not accepted (CERT_UNTRUSTED)"],
    ["HPE_INVALID_CONSTANT", "the server does not speak http on this port (HPE_INVALID_CONSTANT)"],
    ["ESTRANGE", "cannot connect to the server (ESTRANGE)"],
  ])("%s", (code, text) => {
    const cause = Object.assign(new Error("https://u:secret@host/?token=secret"), { code });
    expect(explainConnectionError(new TypeError("fetch failed", { cause }))).toBe(text);
    expect(explainConnectionError(new TypeError("x", { cause: new AggregateError([cause]) }))).toBe(text);
  });

  test.each([
    ["https://u:secret@host:99999/x?secret", "https://host:99999/x: invalid URL"],
    ["https://u:with/slash-secret@host/x", "https://host/x: invalid URL"],
    ["https:/u:with/slash-secret@host/x", "https:/host/x: invalid URL"],
    [
      "s3://u:secret@bucket/x.csv?secret",
      "s3://bucket/x.csv: s3 addresses are not read; pipe the file instead",
    ],
  ])("%s", async (address, message) => {
    await expect(read(address)).rejects.toThrow(message);
  });
});

test("credentials are sent to their own server only", async () => {
  const seen: (string | undefined)[] = [];
  await withHttpServer(
    ({ headers }, response) => {
      seen.push(headers.authorization);
      response.end(FILE);
    },
    (other) =>
      withHttpServer(
        ({ url, headers }, response) => {
          seen.push(headers.authorization);
          response.writeHead(302, { location: url === "/a" ? "/b" : `${other}/c` }).end();
        },
        async (url) => {
          await read(`${url.replace("//", "//u:secret@")}/a`);
          const sent = `Basic ${Buffer.from("u:secret").toString("base64")}`;
          expect(seen).toEqual([sent, sent, undefined]);
        },
      ),
  );
});

test("a file URL is a path", async () => {
  const path = join(folder.path, "50% of stones.csv");
  writeFileSync(path, FILE);
  expect((await read(pathToFileURL(path).href))?.source).toMatchObject({
    name: "50% of stones.csv",
    rows: 1,
  });
});
