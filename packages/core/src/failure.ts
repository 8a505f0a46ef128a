import { createHash } from 'node:crypto';
import { maskText } from './masking/mask-text.ts';

/**
 * A broken world that may mend itself: a refused connection, a timeout, a lock
 * not granted. The work is tried again (see retry-policy.ts).
 */
export class TransientError extends Error {
  override name = 'TransientError';
  readonly code: string;
  /** How long the service that failed asked to be left alone (Retry-After); null where it did not say. */
  readonly retryAfterMs: number | null;
  constructor(code: string, message: string, options?: ErrorOptions & { readonly retryAfterMs?: number | null }) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options?.retryAfterMs ?? null;
  }
}

/**
 * A service that an event depends on is away: refused, timed out, overloaded.
 * The event is not at fault and waits without losing an attempt.
 */
export class ServiceAwayError extends TransientError {}

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

/** What is recorded of a failure. No field carries secrets, and what its message quotes is masked. */
export interface Failure {
  /** Stable, for machines: `handler_failed`, `malformed_event`, a driver's code; at most 100 characters. */
  readonly code: string;
  /** For people; at most 500 characters. */
  readonly message: string;
  /** 16 hex characters shared by failures of one cause. */
  readonly fingerprint: string;
  readonly permanent: boolean;
  /** How long the service that failed asked to be left alone; absent where it did not. */
  readonly retryAfterMs?: number;
}

/** Ours and drivers' codes have a few words; a handler's error may have anything. */
const CODE_CHARACTERS_MAX = 100;

/** Long enough for a sentence and an identifier; a stack belongs in the log. */
const MESSAGE_CHARACTERS_MAX = 500;

/** What a fingerprint is made of; a message can quote a whole body. */
const TEXT_CHARACTERS_MAX = 2_000;

/**
 * Reads any thrown value as a failure; never throws. Where a handler threw it,
 * its name is part of the fingerprint: two handlers that fail alike are two causes.
 */
export function toFailure(thrown: unknown, where: { readonly handler?: string } = {}): Failure {
  try {
    return readFailure(thrown, where);
  } catch {
    // A proxy, or an object whose own accessors throw.
    return readFailure(new Error('something was thrown that cannot be read'), where);
  }
}

/** Any thrown value as an Error; never throws. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(toFailure(thrown).message);
}

function readFailure(thrown: unknown, { handler = '' }: { readonly handler?: string }): Failure {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code =
    'code' in error && typeof error.code === 'string'
      ? storableText(error.code, CODE_CHARACTERS_MAX)
      : 'unexpected_error';
  // A JavaScript error's message and stack are whatever was assigned to them.
  const text = String(error.message).slice(0, TEXT_CHARACTERS_MAX).toWellFormed();
  const message = storableText(text, MESSAGE_CHARACTERS_MAX);
  const fingerprint = fingerprintOf({ name: String(error.name), code, handler, text, stack: String(error.stack) });
  const asked = 'retryAfterMs' in error ? error.retryAfterMs : null;
  const retryAfterMs = typeof asked === 'number' && asked > 0 && Number.isFinite(asked) ? { retryAfterMs: asked } : {};
  return { code, message, fingerprint, permanent: thrown instanceof PermanentError, ...retryAfterMs };
}

/** Masked, and of characters that PostgreSQL takes. */
function storableText(text: string, charactersMax: number): string {
  return maskText(text).slice(0, charactersMax).toWellFormed().replaceAll('\0', '\uFFFD');
}

/**
 * One cause, one fingerprint: the kind and code of the error, the handler, the
 * message without what varies, and the place in our own code. Folded away are
 * what is quoted, addresses, every word with a digit in it (numbers, dates,
 * UUIDs, PayPal's ids) and prefixed ids, so that a thousand failures of one bug
 * read as one.
 */
function fingerprintOf(error: {
  readonly name: string;
  readonly code: string;
  readonly handler: string;
  readonly text: string;
  readonly stack: string;
}): string {
  const shape = error.text
    .replace(VARYING, '?')
    // 1,234.50 and 7, ::1 and 10.0.0.1:5432.
    .replace(/\?(?:[.,:/]+\?)+/g, '?')
    .replace(/\s+/g, ' ');
  const { name, code, handler } = error;
  return createHash('sha256')
    .update(`${name}|${code}|${handler}|${shape}|${placeOf(error.stack)}`)
    .digest('hex')
    .slice(0, 16);
}

/** What is quoted; an e-mail address; an IPv6 address; a word with a digit in it; a prefixed id. */
const VARYING =
  /"[^"]*"|'[^']*'|[^\s@]{1,64}@[^\s@]{1,255}|(?<![\w:])(?:[0-9a-f]{0,4}:){2,8}[0-9a-f:.]*|[\w-]*\d[\w-]*|\b\w*_\w{6,}\b/gi;

/** The frame nearest to the fault that is neither Node's nor a library's; without line and column, which every edit moves. */
function placeOf(stack: string): string {
  const frames = stack.split('\n').filter((line) => line.trimStart().startsWith('at '));
  const own = frames.find((frame) => !/node:|[/\\]node_modules[/\\]/.test(frame));
  return (own ?? frames[0] ?? '').replace(/:\d+:\d+\)?$/, '').replace(/.*[/\\]/, '');
}
