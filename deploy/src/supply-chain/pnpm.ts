import { execFile } from 'node:child_process';
import { repository } from '../dockerfile.ts';

/** What pnpm wrote, and how it ended. */
export interface PnpmAnswer {
  readonly stdout: string;
  readonly stderr: string;
  readonly ok: boolean;
}

/** Runs pnpm in the repository, for two minutes at most. */
export function pnpm(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<PnpmAnswer> {
  const options = {
    cwd: repository,
    env: { ...process.env, ...env },
    maxBuffer: 64 * 1024 * 1024,
    timeout: 120_000,
  };
  return new Promise((resolve) => {
    execFile('npx', ['--yes', 'pnpm@12', ...args], options, (error, stdout, stderr) =>
      resolve({ stdout, stderr, ok: error === null }),
    );
  });
}
