/**
 * Measures batches of 1, 10, 100 and 1,000 stones in workerd, from the request to the answer.
 *
 *   npm run bench -- batch
 */
import { Benchmark } from "../support/benchmark.ts";
import { measureBatches } from "./measure-batches.ts";

const benchmark = new Benchmark("batch");
await benchmark.run(async () => {
  await measureBatches(benchmark);
});
