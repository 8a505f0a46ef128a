import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server that was spawned, with what is needed to wait for it and to end it. */
export interface ServerProcess {
  readonly pid: number;
  readonly logFile: string;
  /** How it ended, or null while it runs. */
  ending(): string | null;
  signal(signal: NodeJS.Signals): void;
}

/** One signal of a stop, and how long the process has to leave after it. */
export interface StopStep {
  readonly signal: NodeJS.Signals;
  readonly waitMs: number;
}

/**
 * Spawns a server in a session of its own: a Ctrl-C in the terminal reaches
 * us but not it, so it outlives the processes that still use it. Its output
 * goes to a file, because a pipe nobody reads would fill and block it.
 */
export async function spawnServer(options: {
  command: string;
  args: readonly string[];
  logFile: string;
  env?: NodeJS.ProcessEnv;
  account?: { uid: number; gid: number } | null;
}): Promise<ServerProcess> {
  const log = openSync(options.logFile, 'a', 0o600);
  const child = spawn(options.command, options.args, {
    detached: true,
    windowsHide: true,
    stdio: ['ignore', log, log],
    // Ours may be closed to the account the server runs as.
    cwd: '/',
    env: options.env ?? process.env,
    ...options.account,
  });
  closeSync(log);
  let ending: string | null = null;
  child.once('exit', (code, signal) => {
    ending = signal === null ? `exit code ${code}` : `signal ${signal}`;
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  // A process that forgot to stop its server should still be able to end.
  child.unref();
  const { pid } = child;
  if (pid === undefined) throw new Error(`${options.command} was spawned but has no process id.`);
  return { pid, logFile: options.logFile, ending: () => ending, signal: (signal) => void child.kill(signal) };
}

/** Repeats `probe` until it succeeds; fails with the log's end when the server dies or the deadline passes. */
export async function untilReady(options: {
  name: string;
  server: ServerProcess;
  deadlineMs: number;
  probe: (pid: number) => Promise<void>;
}): Promise<void> {
  const { name, server, deadlineMs, probe } = options;
  const deadlineAt = performance.now() + deadlineMs;
  for (;;) {
    const ending = server.ending();
    if (ending !== null) throw new Error(`${name} ended while starting (${ending}).\n${logTail(server.logFile)}`);
    try {
      return await probe(server.pid);
    } catch (cause) {
      if (performance.now() > deadlineAt) {
        throw new Error(`${name} was not ready within ${deadlineMs} ms.\n${logTail(server.logFile)}`, { cause });
      }
    }
    // Starting takes 50 to 300 ms: a finer wait is not felt, a coarser one is.
    await sleep(10);
  }
}

/** Sends one signal after the other until the process is gone; throws when it survives them all. */
export async function endProcess(options: {
  name: string;
  isGone: () => boolean;
  send: (signal: NodeJS.Signals) => void;
  steps: readonly StopStep[];
}): Promise<void> {
  const { name, isGone, send, steps } = options;
  for (const { signal, waitMs } of steps) {
    if (isGone()) return;
    send(signal);
    const deadlineAt = performance.now() + waitMs;
    while (!isGone() && performance.now() < deadlineAt) await sleep(10);
  }
  if (!isGone()) throw new Error(`${name} does not end: it survived ${steps.map((step) => step.signal).join(', ')}.`);
}

function logTail(file: string): string {
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  return `The end of ${file}:\n${lines.slice(-15).join('\n')}`;
}
