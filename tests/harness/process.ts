import { spawn } from 'node:child_process';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { endProcess } from '@penstock/local/server-process';
import { recordProcess } from './process-records.ts';
import { testRunDir } from '@penstock/local/test-services';

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One of our processes, run by a test as an operator would run it. */
export interface TestProcess extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  readonly exited: Promise<Exit>;
  /** What it has printed so far, standard output and error in one, without the oldest lines when there are many. */
  output(): string;
  /** Waits for a line that matches, among those printed already too, and returns the match. */
  waitForLine(pattern: RegExp, options?: { deadlineMs?: number }): Promise<RegExpExecArray>;
  kill(signal: NodeJS.Signals): void;
  /** From now on nobody reads what it prints: its next line fails. */
  stopReading(): void;
  /** SIGTERM; SIGKILL when the deadline passes. Returns how it ended. */
  stop(options?: { deadlineMs?: number }): Promise<Exit>;
}

/**
 * What every process of a run shares: its code ready compiled, which saves 0.4 s of the 1.0 s of processor time that
 * a worker takes to start. Branches are still counted, except those outside every function: V8 compiles functions
 * anew, on their first call, and takes no more than the module around them from the cache. Outside of Vitest, as in
 * chaos, there is no such run.
 */
export function compileCache(): Readonly<Record<string, string>> {
  return process.env['VITEST'] === undefined ? {} : { NODE_COMPILE_CACHE: join(testRunDir(), 'compile-cache') };
}

// More than any test prints, and few enough that a process in a loop of errors does not eat the memory.
const linesMax = 10_000;

const started = new Set<TestProcess>();

/** Ends what the test file at hand has started and not ended itself. */
export async function endStartedProcesses(): Promise<void> {
  const left = [...started];
  started.clear();
  await Promise.all(left.map((one) => one.stop({ deadlineMs: 0 })));
}

/** Starts a script of this repository with nothing in its environment but what is given here, PATH, HOME and the compile cache. */
export async function startProcess(options: {
  name: string;
  /** Relative to the root of the repository. */
  script: string;
  env?: Readonly<Record<string, string>>;
  args?: readonly string[];
}): Promise<TestProcess> {
  const { name, env = {}, args = [] } = options;
  const root = resolve(import.meta.dirname, '../..');
  const script = resolve(root, options.script);
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [script, ...args], {
    cwd: root,
    env: { PATH, HOME, ...compileCache(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = new Promise<Exit>((done) => child.once('close', (code, signal) => done({ code, signal })));
  await new Promise<void>((done, reject) => child.once('spawn', done).once('error', reject));
  const { pid } = child;
  if (pid === undefined) throw new Error(`${name} was spawned but has no process id.`);
  recordProcess(testRunDir(), { pid, mark: script });

  const printed = collectLines(name, { sources: [child.stdout, child.stderr], exited });
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const stop = async ({ deadlineMs = 60_000 }: { deadlineMs?: number } = {}): Promise<Exit> => {
    const steps = [
      ...(deadlineMs > 0 ? [{ signal: 'SIGTERM', waitMs: deadlineMs } as const] : []),
      { signal: 'SIGKILL', waitMs: 5_000 } as const,
    ];
    await endProcess({ name, isGone, send: (signal) => child.kill(signal), steps });
    return exited;
  };
  const testProcess: TestProcess = {
    name,
    pid,
    exited,
    ...printed,
    kill: (signal) => void child.kill(signal),
    stopReading: () => {
      child.stdout.destroy();
      child.stderr.destroy();
    },
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
  started.add(testProcess);
  return testProcess;
}

function collectLines(
  name: string,
  options: { sources: readonly NodeJS.ReadableStream[]; exited: Promise<Exit> },
): Pick<TestProcess, 'output' | 'waitForLine'> {
  const lines: string[] = [];
  const watchers = new Set<(line: string) => void>();
  for (const input of options.sources) {
    createInterface({ input }).on('line', (line) => {
      lines.push(line);
      if (lines.length > linesMax) lines.shift();
      for (const watch of watchers) watch(line);
    });
  }
  const output = (): string => lines.join('\n');
  const waitForLine: TestProcess['waitForLine'] = (pattern, { deadlineMs = 60_000 } = {}) => {
    for (const line of lines) {
      const match = pattern.exec(line);
      if (match !== null) return Promise.resolve(match);
    }
    return new Promise((found, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        watchers.delete(watch);
        settle();
      };
      const fail = (why: string): void =>
        finish(() => reject(new Error(`${name} printed no line like ${pattern}: ${why}\n${tail(lines)}`)));
      const watch = (line: string): void => {
        const match = pattern.exec(line);
        if (match !== null) finish(() => found(match));
      };
      const timer = setTimeout(() => fail(`waited ${deadlineMs} ms.`), deadlineMs);
      watchers.add(watch);
      void options.exited.then(({ code, signal }) => fail(`it ended (${signal ?? `exit code ${code}`}).`));
    });
  };
  return { output, waitForLine };
}

function tail(lines: readonly string[]): string {
  return lines.length === 0 ? 'It printed nothing.' : `It printed, at last:\n${lines.slice(-40).join('\n')}`;
}
