import { pino, type DestinationStream } from 'pino';

/** Written at once when so much has gathered: a quarter of a pipe's usual room. */
const CHARACTERS_MAX = 16_384;

/** How long lines gather after a write, in milliseconds. */
const GATHER_MS = 10;

let output: DestinationStream | undefined;

/**
 * Standard output for log lines. A line that comes alone is written at the end
 * of its turn of the event loop. Of many, those of ten milliseconds are one write,
 * for each would be a system call of its own, and wakes whoever reads. A warning
 * or an error is written at once, with what came before it, and so is everything
 * at the process's end. A process that is killed loses the lines that gathered.
 */
export function standardOutput(): DestinationStream {
  output ??= openStandardOutput();
  return output;
}

function openStandardOutput(): DestinationStream {
  const destination = pino.destination({ fd: 1, sync: true });
  let lines = '';
  let isDue = false;
  let writtenAt = -GATHER_MS;
  const flush = (): void => {
    isDue = false;
    if (lines === '') return;
    writtenAt = performance.now();
    const written = lines;
    lines = '';
    destination.write(written);
  };
  process.on('exit', () => {
    flush();
    destination.flushSync();
  });
  return {
    write: (line) => {
      lines += line;
      if (lines.length >= CHARACTERS_MAX || !mayWait.test(line)) flush();
      else if (!isDue) {
        isDue = true;
        const waitMs = writtenAt + GATHER_MS - performance.now();
        // While only this is left to do, the process ends, and its end flushes.
        if (waitMs > 0) setTimeout(flush, waitMs).unref();
        else setImmediate(flush);
      }
    },
  };
}

/** The level comes first in every line. */
const mayWait = /^\{"level":"(?:trace|debug|info)"/;
