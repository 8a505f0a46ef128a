import { pino, type DestinationStream } from 'pino';

/** Written at once when so much has gathered: a quarter of a pipe's usual room. */
const CHARACTERS_MAX = 16_384;

/** What a line waits for others at most, in milliseconds. */
const GATHER_MS = 10;

let output: DestinationStream | undefined;

/**
 * Standard output for log lines. Those of some milliseconds are one write, for
 * each would be a system call of its own, and wakes whoever reads. A warning or
 * an error is written at once, with what came before it, and so is everything at
 * the process's end. A process that is killed loses the lines of the last ten
 * milliseconds.
 */
export function standardOutput(): DestinationStream {
  output ??= openStandardOutput();
  return output;
}

function openStandardOutput(): DestinationStream {
  const destination = pino.destination({ fd: 1, sync: true });
  let lines = '';
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const written = lines;
    lines = '';
    if (written !== '') destination.write(written);
  };
  process.on('exit', () => {
    flush();
    destination.flushSync();
  });
  return {
    write: (line) => {
      lines += line;
      if (lines.length >= CHARACTERS_MAX || !mayWait.test(line)) flush();
      // While only this is left to do, the process ends, and its end flushes.
      else timer ??= setTimeout(flush, GATHER_MS).unref();
    },
  };
}

/** The level comes first in every line. */
const mayWait = /^\{"level":"(?:trace|debug|info)"/;
