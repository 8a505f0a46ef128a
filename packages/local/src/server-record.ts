import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { endProcess, type StopStep } from './server-process.ts';

/**
 * What is remembered of a running server, in a file beside its data, so that
 * a start after a crash finds the server the crash left behind. Two servers
 * on one data directory would destroy it.
 */
export interface ServerRecord {
  /** The process that started the server and uses it. */
  readonly ownerPid: number;
  readonly serverPid: number;
  /** A piece of the server's command line that no other process has: process ids are used again. */
  readonly mark: string;
}

/** Remembers a server from the moment it was spawned. */
export function writeServerRecord(file: string, record: ServerRecord): void {
  writeFileSync(file, JSON.stringify(record), { mode: 0o600 });
}

/** Forgets a server that has been stopped. */
export function removeServerRecord(file: string): void {
  rmSync(file, { force: true });
}

/**
 * Stops the server that a crashed owner left behind, if there is one. When
 * the owner still runs, nothing has crashed: its server stays and this throws.
 */
export async function stopLeftover(options: {
  name: string;
  recordFile: string;
  steps: readonly StopStep[];
}): Promise<'none' | 'stopped'> {
  const record = readServerRecord(options.recordFile);
  if (record === null) return 'none';
  const isGone = (): boolean => !runsWithMark(record.serverPid, record.mark);
  if (isGone()) return 'none';
  if (commandLine(record.ownerPid) !== null) {
    throw new Error(
      `${options.name} already runs for process ${record.ownerPid} (record: ${options.recordFile}). ` +
        'Stop that process, or choose another directory with PENSTOCK_HOME.',
    );
  }
  await endProcess({
    name: `${options.name} left behind as process ${record.serverPid}`,
    isGone,
    send: (signal) => process.kill(record.serverPid, signal),
    steps: options.steps,
  });
  removeServerRecord(options.recordFile);
  return 'stopped';
}

/** Whether this process id belongs to a process whose command line holds the mark. */
export function runsWithMark(pid: number, mark: string): boolean {
  return commandLine(pid)?.includes(mark) ?? false;
}

/** Null when there is no such process, or only its zombie. */
function commandLine(pid: number): string | null {
  if (process.platform === 'linux') {
    try {
      const text = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return text === '' ? null : text;
    } catch {
      return null;
    }
  }
  const { status, stdout } = spawnSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  return status === 0 && stdout.trim() !== '' ? stdout.trim() : null;
}

function readServerRecord(file: string): ServerRecord | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // Missing, or cut short by the crash: then the server's own lock on its data is what is left to protect it.
    return null;
  }
  if (typeof parsed !== 'object' || parsed === null) return null;
  if (!('ownerPid' in parsed) || typeof parsed.ownerPid !== 'number') return null;
  if (!('serverPid' in parsed) || typeof parsed.serverPid !== 'number') return null;
  if (!('mark' in parsed) || typeof parsed.mark !== 'string') return null;
  return { ownerPid: parsed.ownerPid, serverPid: parsed.serverPid, mark: parsed.mark };
}
