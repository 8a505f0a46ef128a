import { createHash } from 'node:crypto';

/**
 * A broken world that may mend itself: a refused connection, a timeout, a lock
 * not granted. The work is tried again (see retry-policy.ts).
 */
export class TransientError extends Error {
  override name = 'TransientError';
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/**
 * A broken world that will not mend by waiting: the same input fails the same
 * way for ever. The work goes to the dead letters at once.
 */
export class PermanentError extends Error {
  override name = 'PermanentError';
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Settings that cannot work. The message lists every problem and no secret. */
export class ConfigurationError extends Error {
  override name = 'ConfigurationError';
  readonly code = 'configuration_invalid';
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The configuration has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** What is recorded of a failure. No field carries payload or secrets. */
export interface Failure {
  /** Stable, for machines: `handler_failed`, `malformed_event`, a driver's code. */
  readonly code: string;
  /** For people; at most 500 characters. */
  readonly message: string;
  /** 16 hex characters shared by failures of one cause. */
  readonly fingerprint: string;
  readonly permanent: boolean;
}

/** Long enough for a sentence and an identifier; a stack belongs in the log. */
const MESSAGE_CHARACTERS_MAX = 500;

/** Reads any thrown value as a failure; never throws. */
export function toFailure(thrown: unknown): Failure {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'unexpected_error';
  const message = [...error.message].slice(0, MESSAGE_CHARACTERS_MAX).join('').replaceAll('\0', '\uFFFD');
  return { code, message, fingerprint: fingerprintOf(error, code), permanent: thrown instanceof PermanentError };
}

/**
 * One cause, one fingerprint: identifiers and numbers in the message are
 * folded away, so that a thousand failures of one bug read as one.
 */
function fingerprintOf(error: Error, code: string): string {
  const shape = error.message.replace(/[0-9a-f]{8,}|\d+|"[^"]*"|'[^']*'|\b\w*_\w{6,}\b/gi, '?');
  const frame = error.stack?.split('\n').find((line) => line.trimStart().startsWith('at ')) ?? '';
  const place = frame.replace(/:\d+:\d+\)?$/, '').replace(/.*[/\\]/, '');
  return createHash('sha256').update(`${error.name}|${code}|${shape}|${place}`).digest('hex').slice(0, 16);
}
