import { join } from "node:path";
import { startProcessGroup } from "../cloudflare/process-group.ts";
import { UserError } from "../cloudflare/user-error.ts";
import { REPOSITORY_ROOT } from "../cloudflare/wrangler.ts";

/**
 * Runs `npm run train` with the given options, and shows its output. The training ends with this process.
 * @throws UserError if the training fails
 */
export async function trainModels(options: readonly string[]): Promise<void> {
  const args = [join(REPOSITORY_ROOT, "training/train.ts"), ...options];
  const streams = { stdin: "inherit", stdout: "inherit", stderr: "inherit" } as const;
  // Paths of data files are relative to the folder that the command was started in.
  const exitCode = await startProcessGroup(args, { cwd: process.cwd(), ...streams }).exited;
  if (exitCode !== 0) throw new UserError("the training failed; see above", { exitCode: exitCode ?? 1 });
}
