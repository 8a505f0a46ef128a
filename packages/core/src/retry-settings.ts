import * as z from 'zod';
import { RETRIES_MAX, usualPace, type RetryPace, type RetryRules } from './retry-policy.ts';

/** A wait below this would hammer what just failed. */
const BASE_SECONDS_MIN = 0.05;

/** An event that waits for longer than a day is an operator's, not a policy's. */
const CAP_SECONDS_MAX = 86_400;

/** Paces for single types are exceptions. */
const TYPES_MAX = 100;

const seconds = z.number().min(BASE_SECONDS_MIN).max(CAP_SECONDS_MAX, 'must be at most a day');

const paceFields = {
  retries: z.int().min(0).max(RETRIES_MAX, `must be at most ${RETRIES_MAX}`).optional(),
  baseSeconds: seconds.optional(),
  capSeconds: seconds.optional(),
};

/** An endpoint's `retry`, with limits; read with {@link retryRules}. */
export const retrySchema = z
  .strictObject({
    ...paceFields,
    types: z
      .record(
        z.string().regex(/^[\x21-\x29\x2b-\x7e]*\*?$/, 'must be a type, or its beginning and *'),
        z.strictObject(paceFields),
      )
      .refine((types) => Object.keys(types).length <= TYPES_MAX, `must name at most ${TYPES_MAX} types`)
      .optional(),
  })
  .refine(
    (retry) => {
      const { types, ...own } = retryRules(retry);
      return [own, ...Object.values(types)].every(({ baseMs, capMs }) => baseMs <= capMs);
    },
    { error: 'capSeconds must not be less than baseSeconds', path: ['capSeconds'] },
  );

interface WrittenPace {
  readonly retries?: number | undefined;
  readonly baseSeconds?: number | undefined;
  readonly capSeconds?: number | undefined;
}

/** The rules as written, what is left out filled in: a type's from its endpoint's, the endpoint's from the usual pace. */
export function retryRules(
  written: (WrittenPace & { readonly types?: Readonly<Record<string, WrittenPace>> | undefined }) | undefined,
): RetryRules {
  const { types = {}, ...own } = written ?? {};
  const pace = fill(own, usualPace);
  return {
    ...pace,
    types: Object.fromEntries(Object.entries(types).map(([pattern, of]) => [pattern, fill(of, pace)])),
  };
}

function fill(written: WrittenPace, usual: RetryPace): RetryPace {
  return {
    retries: written.retries ?? usual.retries,
    baseMs: written.baseSeconds === undefined ? usual.baseMs : written.baseSeconds * 1_000,
    capMs: written.capSeconds === undefined ? usual.capMs : written.capSeconds * 1_000,
  };
}
