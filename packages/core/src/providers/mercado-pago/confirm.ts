import * as z from 'zod';
import type { Confirmer } from '../../confirmation.ts';
import { fetchingConfirmer } from '../../fetching-confirmer.ts';
import type { ProviderEffects } from '../../provider.ts';
import { readMercadoPagoAccess } from './settings.ts';
import { dataIdOf } from './verify.ts';

/** Fetches the payment that a notification names: GET /v1/payments/{id}. Other topics are only stored. */
export function createMercadoPagoConfirmer(settings: unknown, effects: ProviderEffects): Confirmer {
  const { credential, origin } = readMercadoPagoAccess(settings, effects);
  return fetchingConfirmer(effects, ({ eventId, type }) => {
    const id = dataIdOf(eventId);
    return type !== 'payment' || !/^\d{1,16}$/.test(id)
      ? null
      : {
          url: `${origin}/v1/payments/${id}`,
          headers: { authorization: `Bearer ${credential}`, accept: 'application/json' },
          isIn: (answer) => z.object({ id: z.literal(Number(id)) }).safeParse(answer).success,
        };
  });
}
