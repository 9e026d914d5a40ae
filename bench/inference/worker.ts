import { EXAMPLE_STONE } from "../../src/domain/diamond.ts";
import { type Column, createSession } from "../../src/inference/onnx-runtime.ts";

/**
 * Times an ONNX model. The body is the file; the query sets `rows` and `runs`. The response has the mean time
 * of a run, in milliseconds. The clock of workerd is too coarse for the median of short runs.
 */
export default {
  async fetch(request: Request): Promise<Response> {
    const query = new URL(request.url).searchParams;
    const rows = Number(query.get("rows"));
    const runs = Number(query.get("runs"));
    const session = await createSession(new Uint8Array(await request.arrayBuffer()));
    const columns = Object.fromEntries(
      Object.entries(EXAMPLE_STONE).map(([name, value]): [string, Column] => [
        name,
        typeof value === "number" ? new Float32Array(rows).fill(value) : new Array<string>(rows).fill(value),
      ]),
    );
    let totalMs = 0;
    // The first 20 runs are the warm-up.
    for (let run = -20; run < runs; run++) {
      const start = performance.now();
      await session.run(columns, "price");
      if (run >= 0) totalMs += performance.now() - start;
    }
    await session.release();
    return Response.json({ mean: totalMs / runs });
  },
} satisfies ExportedHandler;
