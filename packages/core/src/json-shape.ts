/** What JSON.parse bears in any shape: some 5 ms at most, measured. */
const LOOKED_AT_FROM_BYTES = 64 * 1024;

/** Providers' events are some ten levels deep. */
const LEVELS_MAX = 128;

/** An event that fills ten megabytes has fewer; each costs some fifty times its two brackets in memory. */
const PARTS_MAX = 200_000;

/**
 * What about these bytes would cost too much to parse; null where nothing
 * would. Ten megabytes of brackets stop JSON.parse for seconds and take
 * hundreds of megabytes; looking at them first takes a tenth of a second, and
 * nothing at all below 64 KiB.
 *
 * It counts brackets outside strings. Bytes that are no JSON may be counted
 * wrongly, and are refused by JSON.parse.
 */
export function jsonShapeProblem(body: Buffer): string | null {
  if (body.length < LOOKED_AT_FROM_BYTES) return null;
  let level = 0;
  let parts = 0;
  let inString = false;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (inString) {
      if (byte === BACKSLASH) at += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      level += 1;
      parts += 1;
      if (level > LEVELS_MAX) return `the body is nested deeper than ${LEVELS_MAX} levels`;
      if (parts > PARTS_MAX) return `the body holds more than ${PARTS_MAX} objects and lists`;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) level -= 1;
  }
  return null;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_LIST = 0x5b;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
