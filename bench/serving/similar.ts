/**
 * Measures comparable stones in workerd, with 54 thousand, 1 million and 5 million stones in the table.
 *
 *   npm run bench -- similar
 *   npm run bench -- similar --stones 53920,200000 --seconds 1
 */
import { Benchmark } from "../support/benchmark.ts";
import { measureSimilar } from "./measure-similar.ts";

const benchmark = new Benchmark("similar");
await benchmark.run(async () => {
  await measureSimilar(benchmark);
});
