/**
 * Replaces src/middleware/request-log.ts in the copy of the Worker that bench/server/log-overhead.ts measures
 * without a log.
 */
import { createMiddleware } from "hono/factory";

export const requestLog = createMiddleware(async (_, next) => next());
