/** The mutex among requests of workerd, which cancels a request when its client disconnects. */
import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, expect, it } from "vitest";

const MUTEX_FILE = join(import.meta.dirname, "../../src/lib/mutex.ts");

/** All paths work with one mutex of the isolate. `/hold` holds it until `/release`. */
const WORKER = `
import { Mutex } from "./mutex.js";
let mutex, state;
const hold = async () => {
  while (!state.released) await scheduler.wait(1);
};
// A request that was cancelled stops counting.
const countTurns = async (name) => {
  const current = state;
  while (!current.released) {
    current.turns[name] = (current.turns[name] ?? 0) + 1;
    await scheduler.wait(1);
  }
};
export default {
  async fetch(request) {
    const { pathname, searchParams } = new URL(request.url);
    if (pathname === "/reset") {
      mutex = new Mutex({
        maxWaitMs: Number(searchParams.get("maxWaitMs")),
        lostAfterMs: Number(searchParams.get("lostAfterMs")),
      });
      state = { turns: {}, released: false, events: [] };
    }
    if (pathname === "/release") state.released = true;
    if (pathname === "/hold" || pathname === "/wait") {
      const name = searchParams.get("name");
      countTurns(name);
      await mutex.run(pathname === "/hold" ? hold : async () => { state.events.push(name); });
    }
    return Response.json(state);
  },
};`;

/** Plays the clients. An abort of a call through a binding cancels the request, as the disconnect of a client does. */
const CLIENTS = `
export default {
  async fetch(request, env) {
    const send = async (path, signal) => (await env.WORKER.fetch("http://worker" + path, { signal })).json();
    const start = async (path, name) => {
      const client = new AbortController();
      const answer = send(path + "?name=" + name, client.signal).catch((error) => String(error));
      while (!(await send("/state")).turns[name]) await scheduler.wait(1);
      const cancel = async () => {
        client.abort();
        await answer;
        for (let unchanged = 0, last = 0; unchanged < 20; ) {
          await scheduler.wait(2);
          const turns = (await send("/state")).turns[name];
          unchanged = turns === last ? unchanged + 1 : 0;
          last = turns;
        }
      };
      return { answer, cancel };
    };
    const scenarios = {
      async "/waiting"() {
        await send("/reset?maxWaitMs=600000&lostAfterMs=600000");
        const held = await start("/hold", "holder");
        const cancelled = await start("/wait", "cancelled");
        const others = [await start("/wait", "second"), await start("/wait", "third")];
        await cancelled.cancel();
        await send("/release");
        await Promise.all([held, ...others].map(({ answer }) => answer));
      },
      async "/holding"() {
        await send("/reset?maxWaitMs=50&lostAfterMs=300");
        const held = await start("/hold", "holder");
        await held.cancel();
        for (let hasEnded = false; !hasEnded; ) {
          await scheduler.wait(20);
          hasEnded = await send("/wait?name=next").then(() => true, () => false);
        }
      },
    };
    await scenarios[new URL(request.url).pathname]();
    return Response.json((await send("/state")).events);
  },
};`;

let server: Miniflare;

beforeAll(async () => {
  const mutex = stripTypeScriptTypes(readFileSync(MUTEX_FILE, "utf8"), { mode: "transform" });
  const root = import.meta.dirname;
  const createModule = (name: string, contents: string) => ({
    type: "ESModule" as const,
    path: join(root, name),
    contents,
  });
  const options = { modulesRoot: root, compatibilityDate: "2026-11-01" };
  server = new Miniflare(
    convertV4MiniflareOptions({
      workers: [
        {
          ...options,
          name: "clients",
          modules: [createModule("clients.js", CLIENTS)],
          serviceBindings: { WORKER: "worker" },
        },
        {
          ...options,
          name: "worker",
          modules: [createModule("index.js", WORKER), createModule("mutex.js", mutex)],
        },
      ],
    }),
  );
  await server.ready;
});
afterAll(() => server.dispose());

const play = async (scenario: string): Promise<unknown> =>
  (await server.dispatchFetch(`http://clients/${scenario}`)).json();

it("goes to the next live request when a waiting one was cancelled", async () => {
  expect(await play("waiting")).toEqual(["second", "third"]);
}, 30_000);

it("goes to other requests after its limit when the one that holds it was cancelled", async () => {
  expect(await play("holding")).toEqual(["next"]);
});
