import * as z from 'zod';

/**
 * Any JSON object, as it is. Zod's `record` would copy it, name by name, for
 * nothing: what it holds is read by somebody else.
 */
export const jsonObject = z.custom<Readonly<Record<string, unknown>>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
);
