import { isUtf8 } from 'node:buffer';
import type * as z from 'zod';
import { PermanentError } from '../failure.ts';
import { jsonShapeProblem } from '../json-shape.ts';
import { paymentFactSchema, type PaymentFact } from '../payment-event.ts';

/**
 * Reads the bytes of a verified event by a schema. Throws PermanentError
 * `malformed_event` for what is not UTF-8, not JSON or not of that shape.
 */
export function readBody<Schema extends z.ZodType>(body: Buffer, schema: Schema): z.output<Schema> {
  return readPart({ schema, value: parseJson(body), path: 'body' });
}

/**
 * Reads one part of an event by a schema. Throws PermanentError
 * `malformed_event` naming the paths that contradict it, never their values.
 */
export function readPart<Schema extends z.ZodType>(part: {
  readonly schema: Schema;
  readonly value: unknown;
  readonly path: string;
}): z.output<Schema> {
  const parsed = part.schema.safeParse(part.value);
  if (parsed.success) return parsed.data;
  const paths = parsed.error.issues.map((issue) => [part.path, ...issue.path].join('.'));
  throw malformedEvent(
    `it contradicts its documented shape at ${[...new Set(paths)].slice(0, PATHS_NAMED_MAX).join(', ')}`,
  );
}

/**
 * The facts, proven to be what is stored and read again later: identifiers,
 * currencies and amounts as the canonical vocabulary wants them. Throws
 * PermanentError `malformed_event` where a body smuggled in something else.
 */
export function checkFacts(facts: readonly PaymentFact[]): readonly PaymentFact[] {
  return facts.map((fact) => readPart({ schema: paymentFactSchema, value: fact, path: fact.kind }));
}

/**
 * A code or reason as it can be stored: cut off after 255 characters, without
 * NUL and lone surrogates, which JSON can spell but Postgres refuses.
 */
export function shortText(text: string | null | undefined): string | undefined {
  return text === null || text === undefined || text === ''
    ? undefined
    : text.slice(0, 255).toWellFormed().replaceAll('\0', '\uFFFD');
}

export function malformedEvent(reason: string): PermanentError {
  return new PermanentError(
    'malformed_event',
    `The event cannot be translated: ${reason}. Compare it with the provider's documentation, mend the translation, then have the provider send it again.`,
  );
}

/** Enough to see what is wrong in a message of 500 characters. */
const PATHS_NAMED_MAX = 5;

function parseJson(body: Buffer): unknown {
  if (!isUtf8(body)) throw malformedEvent('its body is not UTF-8');
  const problem = jsonShapeProblem(body);
  if (problem !== null) throw malformedEvent(problem);
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    // No cause: a SyntaxError quotes the payload.
    throw malformedEvent('its body is not JSON');
  }
}
