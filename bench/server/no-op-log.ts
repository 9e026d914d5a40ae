/** Stands in for src/middleware/log.ts in the copy of the Worker that bench/log-load.ts measures without a log. */
import { createMiddleware } from "hono/factory";

export const log = createMiddleware(async (_, next) => next());
