/** The least that a Worker of this kind can do. The benchmarks compare Facet with it. */
import { Hono } from "hono";

const app = new Hono();
app.all("*", (c) => c.text("hello"));

export default app;
