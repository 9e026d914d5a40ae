import { EXAMPLE_STONE } from "../../src/domain/diamond.ts";
import { type Column, createSession } from "../../src/inference/onnx-runtime.ts";

/** Times an ONNX file in workerd: its bytes are the body, `rows` and `runs` the query. Milliseconds a run. */
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
    // The first runs warm up.
    for (let run = -20; run < runs; run++) {
      const start = performance.now();
      await session.run(columns, "price");
      if (run >= 0) times.push(performance.now() - start);
    }
    await session.release();
    times.sort((a, b) => a - b);
    // workerd's clock is coarse, so that a short run is best read from the mean.
    return Response.json({
      median: times[times.length >> 1],
      mean: times.reduce((sum, time) => sum + time, 0) / times.length,
    });
  },
} satisfies ExportedHandler;
