/** Bindings with a log database or a bucket that fails. */
import { env } from "cloudflare:workers";
import { createConnectionLostError, createFaultyDatabase, overrideMethods } from "../faults.ts";

/** Runs before a statement of the log database. Gets its number, counted from 1, and may throw or wait. */
export type LogFault = (statement: number) => Promise<void>;

export function createEnvWithLogFault(fault: LogFault): { bindings: Env; countStatements: () => number } {
  let statements = 0;
  const LOG_DB = createFaultyDatabase(env.LOG_DB, () => fault(++statements));
  return { bindings: { ...env, LOG_DB }, countStatements: () => statements };
}

export const loseConnection = () => Promise.reject(createConnectionLostError());

/** Never resolves. */
export const waitForever = () => new Promise<never>(() => {});

export function createBucketThatCannotWrite(): R2Bucket {
  return overrideMethods(env.MODELS, { put: () => Promise.reject(new Error("R2 is down")) });
}

export function createBucketThatNeverAnswers(): R2Bucket {
  return overrideMethods(env.MODELS, { put: waitForever, list: waitForever });
}
