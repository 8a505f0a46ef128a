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
 * A service that an event depends on is away: refused, timed out, overloaded.
 * The event is not at fault and waits without losing an attempt.
 */
export class ServiceAwayError extends TransientError {
  /** How long the service asked to be left alone; null where it did not say. */
  readonly retryAfterMs: number | null;
  constructor(code: string, message: string, options?: ErrorOptions & { readonly retryAfterMs?: number | null }) {
    super(code, message, options);
    this.retryAfterMs = options?.retryAfterMs ?? null;
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
    super(
      `The configuration has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
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

/** What a fingerprint is made of; a message can quote a whole body. */
const SHAPE_CHARACTERS_MAX = 2_000;

/** Reads any thrown value as a failure; never throws. */
export function toFailure(thrown: unknown): Failure {
  try {
    return readFailure(thrown);
  } catch {
    // A proxy, or an object whose own accessors throw.
    return readFailure(new Error('something was thrown that cannot be read'));
  }
}

/** Any thrown value as an Error; never throws. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(toFailure(thrown).message);
}

function readFailure(thrown: unknown): Failure {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'unexpected_error';
  // A JavaScript error's message and stack are whatever was assigned to them.
  const text = String(error.message).toWellFormed();
  const message = text.slice(0, MESSAGE_CHARACTERS_MAX).toWellFormed().replaceAll('\0', '\uFFFD');
  const fingerprint = fingerprintOf({ name: String(error.name), code, text, stack: String(error.stack) });
  return { code, message, fingerprint, permanent: thrown instanceof PermanentError };
}

/**
 * One cause, one fingerprint: what is quoted, every word with a digit in it
 * (numbers, UUIDs, PayPal's ids) and prefixed ids are folded away, so that a
 * thousand failures of one bug read as one.
 */
function fingerprintOf(error: {
  readonly name: string;
  readonly code: string;
  readonly text: string;
  readonly stack: string;
}): string {
  const shape = error.text
    .slice(0, SHAPE_CHARACTERS_MAX)
    .replace(/"[^"]*"|'[^']*'|[\w-]*\d[\w-]*|\b\w*_\w{6,}\b/g, '?');
  const frame = error.stack.split('\n').find((line) => line.trimStart().startsWith('at ')) ?? '';
  const place = frame.replace(/:\d+:\d+\)?$/, '').replace(/.*[/\\]/, '');
  return createHash('sha256').update(`${error.name}|${error.code}|${shape}|${place}`).digest('hex').slice(0, 16);
}
