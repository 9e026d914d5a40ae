import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

/** Runs an HTTP server while `use` works with its address, for example `http://127.0.0.1:8080`. */
export async function withHttpServer<Result>(
  listener: RequestListener,
  use: (url: string) => Promise<Result>,
): Promise<Result> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  try {
    return await use(`http://127.0.0.1:${port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
