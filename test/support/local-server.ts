/** What a server on this machine shows to others. */
import { execFileSync } from "node:child_process";
import { connect } from "node:net";

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

/** The command lines of all processes that a process has started, directly or not. */
export function listChildCommands(pid: number): string[] {
  const options = ["-eo", "pid=,ppid=,args="];
  const output = execFileSync("ps", options, { encoding: "utf8", maxBuffer: 64_000_000 });
  const processes = output.split("\n").flatMap((line) => {
    const [, id, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return command === undefined ? [] : [{ id: Number(id), parent: Number(parent), command }];
  });
  const listChildren = (parent: number): string[] =>
    processes
      .filter((child) => child.parent === parent)
      .flatMap(({ id, command }) => [command, ...listChildren(id)]);
  return listChildren(pid);
}
