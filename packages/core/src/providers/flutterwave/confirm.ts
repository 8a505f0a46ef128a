import * as z from 'zod';
import type { Confirmer } from '../../confirmation.ts';
import { fetchingConfirmer } from '../../fetching-confirmer.ts';
import type { ProviderEffects } from '../../provider.ts';
import { readBody } from '../event-body.ts';
import { readFlutterwaveAccess } from './settings.ts';
import { flutterwaveEvent } from './verify.ts';

/** Fetches the transaction of a charge: GET /v3/transactions/{id}/verify. Other notifications are only stored. */
export function createFlutterwaveConfirmer(settings: unknown, effects: ProviderEffects): Confirmer {
  const { credential, origin } = readFlutterwaveAccess(settings, effects);
  return fetchingConfirmer(effects, ({ body }) => {
    const { event, data } = readBody(body, flutterwaveEvent);
    return event.startsWith('charge.')
      ? {
          url: `${origin}/v3/transactions/${data.id}/verify`,
          headers: { authorization: `Bearer ${credential}`, accept: 'application/json' },
          isIn: (answer) => z.object({ data: z.object({ id: z.literal(data.id) }) }).safeParse(answer).success,
        }
      : null;
  });
}
