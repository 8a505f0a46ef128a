import type * as z from 'zod';
import { ConfigurationError } from './failure.ts';

/** An endpoint's settings, parsed; throws one ConfigurationError with every problem, repeating no value. */
export function parseSettings<Schema extends z.ZodType>(schema: Schema, settings: unknown): z.output<Schema> {
  const parsed = schema.safeParse(settings);
  if (parsed.success) return parsed.data;
  throw new ConfigurationError(
    parsed.error.issues.map((issue) => `${issue.path.join('.') || 'settings'}: ${issue.message}`),
  );
}
