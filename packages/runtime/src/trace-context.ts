import { randomUUID } from 'node:crypto';

/** W3C Trace Context, section 3.2: version, trace id, parent id, flags. */
const traceparentForm = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The header where it is one, else undefined. */
export function readTraceparent(header: unknown): string | undefined {
  return typeof header === 'string' && traceparentForm.test(header) ? header : undefined;
}

/** Begins a trace that nobody records, so that what belongs together can be told by its id all the same. */
export function newTraceparent(): string {
  const hex = randomUUID().replaceAll('-', '');
  // A version-4 UUID is never all zeros, and neither is its second half, which holds its variant.
  return `00-${hex}-${hex.slice(16)}-00`;
}

/** What all lines, answers and spans of one request share; undefined where there is none. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return readTraceparent(traceparent)?.slice(3, 35);
}
