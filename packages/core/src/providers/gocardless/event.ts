import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { jsonObject } from '../../json-object.ts';
import { readJsonBody } from '../../json-body.ts';
import { identifier } from '../envelope-fields.ts';

/**
 * What every event of GoCardless has. Source: API reference, Events;
 * gocardless-nodejs src/types/Types.ts `Event`, which has every field optional:
 * an event without an id could not be told from another and is refused.
 */
export const goCardlessEvent = z.object({
  id: identifier,
  created_at: z.iso.datetime({ offset: true }),
  resource_type: identifier,
  action: identifier,
  links: jsonObject.nullish(),
  details: jsonObject.nullish(),
});

/**
 * Whether two renderings of one event state the same: metadata of the resource
 * and notifications to the customer are as they stand when it is sent, and the
 * order of keys means nothing.
 */
export function statesSameGoCardlessEvent(stored: Buffer, received: Buffer): boolean {
  if (stored.equals(received)) return true;
  const one = readJsonBody(stored, goCardlessEvent);
  const other = readJsonBody(received, goCardlessEvent);
  if (one.kind === 'malformed' || other.kind === 'malformed') return false;
  try {
    return isDeepStrictEqual(one.value, other.value);
  } catch {
    // JSON nested deeper than the stack is not an event of GoCardless's.
    return false;
  }
}
