import { EXAMPLE_STONE } from "../../src/domain/diamond.ts";
import { type Column, createSession } from "../../src/inference/onnx-runtime.ts";

/** A stone with all measurements, and one without its size. */
const STONES = {
  complete: EXAMPLE_STONE,
  incomplete: { ...EXAMPLE_STONE, x: Number.NaN, y: Number.NaN, z: Number.NaN },
};
const WARM_UP_RUNS = 20;

/**
 * Times an ONNX model. The body is the file; the query sets `rows` and `runs`. The response has the mean time
 * of a run for each kind of stone, in microseconds. The kinds take turns, so that a slow moment of the machine
 * counts for both. The clock of workerd is too coarse for the median of short runs.
 */
export default {
  async fetch(request: Request): Promise<Response> {
    const query = new URL(request.url).searchParams;
    const rows = Number(query.get("rows"));
    const runs = Number(query.get("runs"));
    const session = await createSession(new Uint8Array(await request.arrayBuffer()));
    const timings = Object.entries(STONES).map(([kind, stone]) => ({
      kind,
      columns: createColumns(stone, rows),
      totalMs: 0,
    }));
    for (let run = -WARM_UP_RUNS; run < runs; run++) {
      for (const timing of timings) {
        const start = performance.now();
        await session.run(timing.columns, "price");
        if (run >= 0) timing.totalMs += performance.now() - start;
      }
    }
    await session.release();
    return Response.json(
      Object.fromEntries(timings.map(({ kind, totalMs }) => [kind, (1000 * totalMs) / runs])),
    );
  },
} satisfies ExportedHandler;

function createColumns(
  stone: Readonly<Record<string, string | number>>,
  rows: number,
): Record<string, Column> {
  return Object.fromEntries(
    Object.entries(stone).map(([name, value]) => [
      name,
      typeof value === "number" ? new Float32Array(rows).fill(value) : new Array<string>(rows).fill(value),
    ]),
  );
}
