import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Processor time, in microseconds, that processes have used since they began. */
export interface ProcessorTime {
  readonly worker: number;
  readonly postgres: number;
  readonly redis: number;
}

/**
 * What worker, PostgreSQL (its backends and those that have ended) and Redis
 * have used so far; null where there is no /proc. On a machine that others use
 * too it tells more than the clock does. The kernel counts in hundredths of a second.
 */
export function processorTime(processes: {
  readonly worker: number;
  readonly postgres: number;
  readonly redis: number;
}): ProcessorTime | null {
  if (!existsSync('/proc/self/stat')) return null;
  const used = (pid: number): number => readStat(pid)?.microseconds ?? 0;
  const backends = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && readStat(Number(name))?.parent === processes.postgres)
    .map(Number);
  return {
    worker: used(processes.worker),
    postgres: [processes.postgres, ...backends].reduce((sum, pid) => sum + used(pid), 0),
    redis: used(processes.redis),
  };
}

/** Microseconds that one process has used so far; null where it or /proc is not there. */
export function processorMicrosOf(pid: number): number | null {
  return readStat(pid)?.microseconds ?? null;
}

/** The process that listens for this data directory. */
export function postmasterOf(dataDir: string): number {
  return Number(readFileSync(path.join(dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
}

/** Source: proc_pid_stat(5): the parent is field 4, user and system time fields 14 and 15, of children that ended 16 and 17. */
function readStat(pid: number): { readonly parent: number; readonly microseconds: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { parent: Number(fields[1]), microseconds: (ticks / ticksASecond) * 1_000_000 };
  } catch {
    // It has ended meanwhile.
    return null;
  }
}

const ticksASecond = existsSync('/proc/self/stat')
  ? Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  : 100;
