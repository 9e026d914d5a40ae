/**
 * Node loads this file first in a process of {@link startProcessGroup}. When the parent process ends, for
 * whatever reason, the operating system closes the channel between them. The whole group then ends too.
 */
import { isMainThread } from "node:worker_threads";

if (isMainThread && process.channel) {
  process.once("disconnect", () => process.kill(-process.pid, "SIGKILL"));
  // The channel alone does not keep the process running.
  process.channel.unref();
}
