import { pino, type DestinationStream } from 'pino';

/** Written at once when so much has come in one turn: a pipe's usual room. */
const CHARACTERS_MAX = 65_536;

let output: DestinationStream | undefined;

/**
 * Standard output for log lines. Those of one turn of the event loop are one
 * write, for each would be a system call of its own; they are written before
 * anything that comes later is begun, and at the process's end. A process that
 * is killed in the middle of a turn loses that turn's lines.
 */
export function standardOutput(): DestinationStream {
  output ??= openStandardOutput();
  return output;
}

function openStandardOutput(): DestinationStream {
  const destination = pino.destination({ fd: 1, sync: true });
  let lines = '';
  let isDue = false;
  const flush = (): void => {
    isDue = false;
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
      if (lines.length >= CHARACTERS_MAX) flush();
      else if (!isDue) {
        isDue = true;
        setImmediate(flush);
      }
    },
  };
}
