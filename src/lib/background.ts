/** Keeps work running after the response. It is the part of workerd's `ExecutionContext` in use here. */
export interface Background {
  waitUntil(work: Promise<unknown>): void;
}
