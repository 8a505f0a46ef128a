import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runsWithMark } from '@penstock/local/server-record';

/** Remembers a process that a test started, so that the end of the run can tell whether it was ended. */
export function recordProcess(runDir: string, options: { pid: number; mark: string }): void {
  mkdirSync(join(runDir, 'processes'), { recursive: true });
  writeFileSync(join(runDir, 'processes', String(options.pid)), options.mark);
}

/** Kills every process that a test started and that still runs; returns what they were. */
export async function killLeakedProcesses(runDir: string): Promise<string[]> {
  const leaked = recordedProcesses(runDir).filter(({ pid, mark }) => runsWithMark(pid, mark));
  for (const { pid, mark } of leaked) {
    process.kill(pid, 'SIGKILL');
    while (runsWithMark(pid, mark)) await sleep(10);
  }
  return leaked.map(({ pid, mark }) => `${mark} (process ${pid})`);
}

function recordedProcesses(runDir: string): { pid: number; mark: string }[] {
  const dir = join(runDir, 'processes');
  try {
    return readdirSync(dir).map((name) => ({ pid: Number(name), mark: readFileSync(join(dir, name), 'utf8') }));
  } catch {
    // No test started a process.
    return [];
  }
}
