import { rmSync } from 'node:fs';
import { killLeakedProcesses } from '../harness/process-records.ts';

// Outlives the harness by a moment: once its standard input closes, which it
// does however the harness ends, it kills what the run left running. A frozen
// process cannot end itself, and a server does not notice.

const [runDir] = process.argv.slice(2);
if (runDir === undefined)
  throw new Error('Usage: guard.ts <directory of the run>, and "keep" on standard input to leave it');
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => undefined);

let keep = false;
await new Promise<void>((resolve) => {
  process.stdin.on('data', () => (keep = true));
  process.stdin.on('error', () => resolve()).once('close', () => resolve());
});
await killLeakedProcesses(runDir);
if (!keep) rmSync(runDir, { recursive: true, force: true });
