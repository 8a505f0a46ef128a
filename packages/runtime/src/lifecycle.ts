import { ConfigurationError } from '@penstock/core/failure';
import { maskText } from '@penstock/core/masking/mask-text';
import { withoutSecrets } from '@penstock/core/masking/secrets';

/** What a process is given to start with, and to stop by. */
export interface ProcessScope {
  /** Everything opened goes in here and is closed in reverse, last in first out. */
  readonly resources: AsyncDisposableStack;
  /** Told once, when the stop has been asked for and before anything is closed. */
  readonly stopping: AbortSignal;
  /** Asks for the stop, as a signal would; with an exit code where something is wrong with this process. */
  readonly stop: (exitCode?: number) => void;
  /** How long closing may take; set by `start` once its settings are read. */
  setShutdownMs: (milliseconds: number) => void;
}

/** A wrong setting, after sysexits.h's EX_CONFIG. */
const EXIT_CONFIGURATION = 78;

/**
 * Runs one process: starts it, waits for SIGTERM, SIGINT or SIGHUP, closes what
 * was opened in reverse order within the deadline. Exit code 0 after a clean
 * stop, 78 for wrong settings, 1 for anything else. A second signal ends it at
 * once, but a second SIGHUP: of a terminal that is closed both the kernel and
 * the shell tell.
 */
export async function runProcess(start: (scope: ProcessScope) => Promise<void>): Promise<void> {
  const resources = new AsyncDisposableStack();
  const stop = new AbortController();
  let shutdownMs = 8_000;

  const asked = Promise.withResolvers<void>();
  const askToStop = (): void => {
    stop.abort();
    asked.resolve();
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stop.signal.aborted && signal !== 'SIGHUP') process.exit(1);
      askToStop();
    });
  }

  try {
    await start({
      resources,
      stopping: stop.signal,
      stop: (exitCode) => {
        if (exitCode !== undefined) process.exitCode = exitCode;
        askToStop();
      },
      setShutdownMs: (milliseconds) => (shutdownMs = milliseconds),
    });
    await asked.promise;
  } catch (error) {
    process.exitCode = report(error);
  }

  // Past the deadline nothing more can be saved: what is not finished is
  // redelivered by the queue, which is built for it.
  const deadline = setTimeout(() => {
    process.stderr.write(`not everything closed within ${shutdownMs} ms; ending anyway\n`);
    process.exit(1);
  }, shutdownMs);
  try {
    await resources.disposeAsync();
  } catch (error) {
    process.exitCode = report(error);
  }
  clearTimeout(deadline);
}

/** Settings are the operator's to mend and get words alone; anything else gets its stack. */
function report(error: unknown): number {
  if (error instanceof ConfigurationError) {
    process.stderr.write(`${withoutSecrets(error.message)}\n`);
    return EXIT_CONFIGURATION;
  }
  process.stderr.write(`${maskText(stackOf(error))}\n`);
  return 1;
}

/** With its causes: what went wrong is often said there alone. */
function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const stack = error.stack ?? error.message;
  return error.cause === undefined ? stack : `${stack}\ncaused by: ${stackOf(error.cause)}`;
}

/** Runs a command to its end: exit code 0, 78 for wrong settings, 1 for anything else. */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    process.exitCode = report(error);
  }
}
