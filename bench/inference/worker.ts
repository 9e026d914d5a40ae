import { EXAMPLE_STONE } from "../../src/domain/diamond.ts";
import { type Column, createSession } from "../../src/inference/onnx-runtime.ts";
import { median } from "../../src/lib/statistics.ts";

/**
 * Times an ONNX model. The body is the file; the query sets `rows` and `runs`. Answers milliseconds per run.
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
    const times: number[] = [];
    // The first 20 runs are the warm-up.
    for (let run = -20; run < runs; run++) {
      const start = performance.now();
      await session.run(columns, "price");
      if (run >= 0) times.push(performance.now() - start);
    }
    await session.release();
    // The clock of workerd is coarse, so the mean is more exact than the median for short runs.
    return Response.json({
      median: median(times),
      mean: times.reduce((sum, time) => sum + time, 0) / times.length,
    });
  },
} satisfies ExportedHandler;
