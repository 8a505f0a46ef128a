import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { LocalServer } from '@penstock/local/local-service';
import { runServer } from '@penstock/local/run-server';
import { stopLeftover } from '@penstock/local/server-record';

const root = path.join(import.meta.dirname, '../../..');

/** A process of ours ends within SHUTDOWN_MS by itself; the rest is for one that cannot. */
const stopSteps = [
  { signal: 'SIGTERM', waitMs: 8_000 },
  { signal: 'SIGKILL', waitMs: 1_000 },
] as const;

const programs = ['ingest', 'worker', 'console'] as const;
/** One of our own. */
export type ProgramName = (typeof programs)[number];

/** Ends what a start that crashed has left running of them, and tells which. Throws where that start still runs. */
export async function endLeftPrograms(home: string): Promise<readonly ProgramName[]> {
  const ended = await Promise.all(
    programs.map((name) => stopLeftover({ name, recordFile: recordFileOf(name, home), steps: stopSteps })),
  );
  return programs.filter((_, position) => ended[position] === 'stopped');
}

function recordFileOf(name: ProgramName, home: string): string {
  return path.join(home, `${name}.process.json`);
}

/** Runs one of our own programs as an operator would, in a process of its own, its log in a file. */
export async function startProgram(options: {
  readonly name: ProgramName;
  readonly home: string;
  readonly healthPort: number;
  readonly environment: Readonly<Record<string, string>>;
}): Promise<LocalServer> {
  const { name, home, healthPort } = options;
  const logs = path.join(home, 'logs');
  mkdirSync(logs, { recursive: true });
  // Told apart from other copies on this machine by the folder they work for; `ps` shows it as the process's name.
  const mark = `penstock ${name} of ${home}`;
  return runServer({
    name,
    url: `http://127.0.0.1:${healthPort}`,
    port: healthPort,
    command: process.execPath,
    args: [`--title=${mark}`, path.join(root, `apps/${name}/src/main.ts`)],
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      ...options.environment,
      HEALTH_PORT: String(healthPort),
    },
    logFile: path.join(logs, `${name}.log`),
    recordFile: recordFileOf(name, home),
    mark,
    // A second is usual; a busy machine takes twenty.
    readyWithinMs: 60_000,
    probe: async () => {
      const response = await fetch(`http://127.0.0.1:${healthPort}/health`);
      if (!response.ok) throw new Error(`${name} answers ${response.status}`);
    },
    stopSteps,
  });
}
