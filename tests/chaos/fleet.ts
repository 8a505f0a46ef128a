import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastingPort } from '@penstock/local/ports';
import { recordProcess } from '../harness/process-records.ts';
import { until } from '../harness/until.ts';

const root = path.join(import.meta.dirname, '../..');

/** One ingest or worker, kept alive as an orchestrator keeps it, except while a fault says otherwise. */
export interface Program extends AsyncDisposable {
  readonly name: string;
  readonly kind: 'ingest' | 'worker';
  /** For webhooks; only an ingest listens there. */
  readonly port: number;
  readonly logFile: string;
  readonly healthUrl: string;
  /** Times it ended though nobody asked it to, once it had been ready. */
  readonly crashes: () => readonly string[];
  /** SIGKILL, or SIGTERM and the wait for a clean end; stays down until `start`. */
  readonly end: (how: 'kill' | 'stop') => Promise<void>;
  readonly start: () => Promise<void>;
  readonly freeze: () => void;
  readonly thaw: () => void;
  readonly stepClock: (offsetMs: number) => void;
}

export interface ProgramOptions {
  readonly name: string;
  readonly kind: 'ingest' | 'worker';
  readonly runDir: string;
  readonly environment: Readonly<Record<string, string>>;
  /** The bug of plants.ts that it is to have; null for none. */
  readonly plant: string | null;
}

/** Starts one and waits until it is healthy. */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const { name, kind, runDir } = options;
  const port = await lastingPort();
  const healthPort = await lastingPort();
  const healthUrl = `http://127.0.0.1:${healthPort}`;
  const logFile = path.join(runDir, `${name}.log`);
  const crashes: string[] = [];
  let child: ChildProcess | null = null;
  let wanted = false;

  const launch = (): ChildProcess => {
    const launched = spawnProgram(options, { port, healthPort, logFile });
    let wasReady = false;
    void answers(`${healthUrl}/ready`, () => launched.exitCode === null && launched.signalCode === null).then(
      (ready) => {
        wasReady = ready;
      },
    );
    launched.once('exit', (code, signal) => {
      if (!wanted || child !== launched) return;
      // While its database is away a start fails, and an orchestrator tries again.
      if (wasReady) crashes.push(`${name} ended by itself (${signal ?? `exit code ${code}`})`);
      setTimeout(() => {
        if (wanted && child === launched) child = launch();
      }, 300);
    });
    child = launched;
    return launched;
  };
  const start = async (): Promise<void> => {
    if (wanted) return;
    wanted = true;
    launch();
    await until(() => answers(`${healthUrl}/health`, () => false), {
      what: `${name} to be healthy (${logFile})`,
      deadlineMs: 180_000,
      everyMs: 100,
    });
  };
  const end = async (how: 'kill' | 'stop'): Promise<void> => {
    wanted = false;
    const ending = child;
    if (ending === null) return;
    await endChild(ending, how);
    if (how === 'stop' && ending.exitCode !== 0)
      crashes.push(`${name} did not stop cleanly (${ending.signalCode ?? `exit code ${ending.exitCode}`})`);
  };
  await start();
  return {
    name,
    kind,
    port,
    logFile,
    healthUrl,
    crashes: () => crashes,
    start,
    end,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    stepClock: (clockOffsetMs) => {
      if (child?.connected === true) child.send({ clockOffsetMs }, () => undefined);
    },
    [Symbol.asyncDispose]: () => end('kill'),
  };
}

/** A stopping program has SHUTDOWN_MS, and some more before it is killed. */
const STOP_MS = 12_000;

async function endChild(child: ChildProcess, how: 'kill' | 'stop'): Promise<void> {
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
  child.kill('SIGCONT');
  if (how === 'stop') {
    child.kill('SIGTERM');
    await until(isGone, { what: 'a clean end', deadlineMs: STOP_MS }).catch(() => undefined);
  }
  child.kill('SIGKILL');
  await until(isGone, { what: 'the end of what was killed' });
}

function spawnProgram(
  { name, kind, runDir, environment, plant }: ProgramOptions,
  place: { readonly port: number; readonly healthPort: number; readonly logFile: string },
): ChildProcess {
  const script = path.join(import.meta.dirname, `programs/${kind}.ts`);
  const log = openSync(place.logFile, 'a', 0o600);
  const mark = `--program=${runDir}/${name}`;
  const { PATH = '', HOME = '' } = process.env;
  const planting = plant === null ? [] : ['--import', path.join(import.meta.dirname, 'programs/plant-bug.ts')];
  const child = spawn(process.execPath, [...planting, script, mark], {
    cwd: root,
    env: {
      PATH,
      HOME,
      ...(plant === null ? {} : { CHAOS_PLANT: plant }),
      ...environment,
      PORT: String(place.port),
      HEALTH_PORT: String(place.healthPort),
    },
    // A session of its own: a Ctrl-C is for the harness, which then ends what it has started.
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  child.on('error', () => undefined);
  if (child.pid !== undefined) recordProcess(runDir, { pid: child.pid, mark });
  return child;
}

/** Asks until the answer is 200, for as long as `goOn` says. */
async function answers(url: string, goOn: () => boolean): Promise<boolean> {
  for (;;) {
    try {
      if ((await fetch(url, { signal: AbortSignal.timeout(1_000) })).ok) return true;
    } catch {
      // Not there yet.
    }
    if (!goOn()) return false;
    await sleep(100);
  }
}
