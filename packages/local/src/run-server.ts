import type { LocalServer } from './local-service.ts';
import { endProcess, spawnServer, type StopStep, untilReady } from './server-process.ts';
import { removeServerRecord, writeServerRecord } from './server-record.ts';

/** Everything there is to know about one server to run it. */
export interface ServerDescription {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly account?: { readonly uid: number; readonly gid: number } | null;
  readonly logFile: string;
  readonly recordFile: string;
  /** See ServerRecord. */
  readonly mark: string;
  readonly readyWithinMs: number;
  /** Succeeds once the server does its work. */
  readonly probe: (pid: number) => Promise<void>;
  readonly stopSteps: readonly StopStep[];
}

/** Spawns a server, remembers it, waits until it is ready, and hands over the means to end it. */
export async function runServer(description: ServerDescription): Promise<LocalServer> {
  const { name, url, port, recordFile, mark, readyWithinMs, probe, stopSteps } = description;
  const server = await spawnServer(description);
  writeServerRecord(recordFile, { ownerPid: process.pid, serverPid: server.pid, mark });
  const end = async (steps: readonly StopStep[]): Promise<void> => {
    await endProcess({ name, isGone: () => server.ending() !== null, send: server.signal, steps });
    removeServerRecord(recordFile);
  };
  const stop = (): Promise<void> => end(stopSteps);
  const kill = (): Promise<void> => end([{ signal: 'SIGKILL', waitMs: 2_000 }]);
  try {
    await untilReady({ name, server, deadlineMs: readyWithinMs, probe });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, port, pid: server.pid, logFile: server.logFile, stop, kill, [Symbol.asyncDispose]: stop };
}
