import { isUtf8 } from 'node:buffer';
import type * as z from 'zod';
import { jsonShapeProblem } from './json-shape.ts';

/** A proven body read by the provider's envelope. The reason names paths, never values. */
export type JsonReading<Value> =
  | { readonly kind: 'json'; readonly value: Value }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Reads the bytes as JSON of that shape; never throws. */
export function readJsonBody<Schema extends z.ZodType>(body: Buffer, schema: Schema): JsonReading<z.output<Schema>> {
  if (!isUtf8(body)) return { kind: 'malformed', reason: 'the body is not UTF-8' };
  const problem = jsonShapeProblem(body);
  if (problem !== null) return { kind: 'malformed', reason: problem };
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    // A SyntaxError quotes the body, and a RangeError is what deep nesting throws.
    return { kind: 'malformed', reason: 'the body is not JSON' };
  }
  const parsed = schema.safeParse(value);
  return parsed.success ? { kind: 'json', value: parsed.data } : noEvent(parsed.error);
}

/** Where what was read contradicts the provider's schema, up to five paths. It stood at `at` in the body. */
export function noEvent(
  error: z.ZodError,
  at: readonly PropertyKey[] = [],
): { readonly kind: 'malformed'; readonly reason: string } {
  const paths = new Set(error.issues.slice(0, 5).map((issue) => [...at, ...issue.path].join('.') || 'the body'));
  return { kind: 'malformed', reason: `the body is not an event of this provider: ${[...paths].join(', ')}` };
}

/** A part of a parsed body as JSON of its own; null where it is nested deeper than the stack. */
export function jsonBytes(part: unknown): Buffer | null {
  try {
    return Buffer.from(JSON.stringify(part));
  } catch {
    return null;
  }
}
