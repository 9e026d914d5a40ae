/** What a server on this machine shows to others. */
import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { setImmediate } from "node:timers/promises";

/** Sends a GET request with a host name of its own, which `fetch` does not allow. Returns the first line. */
export function fetchStatusLine(port: number, path: string, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () =>
      socket.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`),
    );
    socket.setEncoding("utf8");
    socket.on("data", (text) => {
      answer += text;
    });
    socket.on("end", () => resolve(answer.slice(0, answer.indexOf("\r\n"))));
    socket.on("error", reject);
  });
}

interface ProcessInfo {
  readonly pid: number;
  /** Memory that the process holds, bytes. */
  readonly memory: number;
  readonly command: string;
}

/** All processes that a process has started, directly or not. */
export function listChildProcesses(pid: number): ProcessInfo[] {
  const options = ["-eo", "pid=,ppid=,rss=,args="];
  const output = execFileSync("ps", options, { encoding: "utf8", maxBuffer: 64_000_000 });
  const processes = output.split("\n").flatMap((line) => {
    const [, id, parent, kib, command] = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    if (command === undefined) return [];
    return [{ pid: Number(id), parent: Number(parent), memory: Number(kib) * 1024, command }];
  });
  const listChildren = (parent: number): ProcessInfo[] =>
    processes
      .filter((child) => child.parent === parent)
      .flatMap((child) => [child, ...listChildren(child.pid)]);
  return listChildren(pid);
}

/** Whether a process exists and has not ended. Its parent may not have read its exit code yet. */
export function isRunning(pid: number): boolean {
  const { status, stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return status === 0 && !stdout.startsWith("Z");
}

/** The memory of all workerd processes that this process has started, bytes. */
export function measureWorkerdMemory(): number {
  const servers = listChildProcesses(process.pid).filter(({ command }) => command.includes("workerd serve"));
  return servers.reduce((sum, { memory }) => sum + memory, 0);
}

/**
 * Sends a body in pieces that the server receives one by one, and returns the status; null if the server closed
 * the connection before the client had read it.
 */
export function sendPieces(
  port: number,
  path: string,
  {
    piece,
    count,
    headers = "",
  }: { readonly piece: string; readonly count: number; readonly headers?: string },
): Promise<number | null> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", async () => {
      socket.setNoDelay(true);
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${headers}`,
      );
      socket.write("transfer-encoding: chunked\r\n\r\n");
      const chunk = `${piece.length.toString(16)}\r\n${piece}\r\n`;
      for (let i = 0; i < count && !socket.destroyed; i++) {
        if (!socket.write(chunk)) await once(socket, "drain").catch(() => {});
        await setImmediate();
      }
      socket.write("0\r\n\r\n");
    });
    socket.setEncoding("utf8");
    socket.once("data", (text: string) => {
      socket.destroy();
      resolve(Number(text.split(" ")[1]));
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(null));
  });
}
