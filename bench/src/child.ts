import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';

const root = path.join(import.meta.dirname, '../..');

/** A program of the repository in a process of its own. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  /** The first line, of those printed and those to come, that is JSON and satisfies the parser. */
  readonly line: <Value>(read: (document: unknown) => Value | undefined) => Promise<Value>;
  readonly kill: (signal: NodeJS.Signals) => void;
  /** Its exit code; null where a signal ended it. */
  readonly exited: Promise<number | null>;
}

/** Lines kept for a reader that comes late; a worker logs one an event. */
const LINES_KEPT = 200;

/**
 * Starts it with nothing in its environment but PATH, HOME and what is given;
 * `profile` is a folder for its cpuprofile. `yielding`: it has the processor
 * when nobody else wants it, as if it were on another machine.
 */
export function startChild(options: {
  readonly script: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly profile?: string | undefined;
  readonly yielding?: boolean;
}): Child {
  const { PATH = '', HOME = '' } = process.env;
  const profiling = options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${options.profile}`];
  const child = spawn(process.execPath, [...profiling, path.join(root, options.script), ...(options.args ?? [])], {
    cwd: root,
    env: { PATH, HOME, ...options.env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${options.script} could not be started`);
  if (options.yielding === true) setPriority(pid, constants.priority.PRIORITY_LOW);
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  const kept: string[] = [];
  const watchers = new Set<(line: string) => void>();
  readLines(child.stdout, {
    isWanted: () => kept.length < LINES_KEPT || watchers.size > 0,
    onLine: (line) => {
      if (kept.length < LINES_KEPT) kept.push(line);
      for (const watch of watchers) watch(line);
    },
  });
  return {
    pid,
    exited,
    kill: (signal) => void child.kill(signal),
    line: <Value>(read: (document: unknown) => Value | undefined) =>
      new Promise<Value>((resolve, reject) => {
        const look = (line: string): void => {
          if (!line.startsWith('{')) return;
          const value = read(JSON.parse(line));
          if (value === undefined) return;
          watchers.delete(look);
          resolve(value);
        };
        watchers.add(look);
        for (const line of kept) look(line);
        void exited.then((code) => reject(new Error(`${options.script} ended (${code}) before it said so`)));
      }),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await exited;
      clearTimeout(timer);
    },
  };
}

/**
 * Tells whole lines while they are wanted, and throws away what comes meanwhile
 * unread: to part the lines that a worker logs took a sixth of a processor,
 * which is the measured one's.
 */
function readLines(
  stream: Readable,
  { isWanted, onLine }: { readonly isWanted: () => boolean; readonly onLine: (line: string) => void },
): void {
  let rest = '';
  let isAtStart = true;
  stream.on('data', (chunk: Buffer) => {
    if (!isWanted()) {
      rest = '';
      isAtStart = chunk.at(-1) === NEWLINE;
      return;
    }
    const lines = `${rest}${chunk.toString()}`.split('\n');
    rest = lines.pop() ?? '';
    // What is left of a line whose beginning was thrown away.
    if (!isAtStart && lines.length > 0) {
      lines.shift();
      isAtStart = true;
    }
    lines.forEach(onLine);
  });
}

const NEWLINE = 0x0a;
