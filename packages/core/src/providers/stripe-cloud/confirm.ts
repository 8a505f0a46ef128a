import * as z from 'zod';
import { readApiAccess } from '../../api-settings.ts';
import type { Confirmer } from '../../confirmation.ts';
import { fetchingConfirmer } from '../../fetching-confirmer.ts';
import type { ProviderEffects } from '../../provider.ts';
import { stripeApiKey } from '../stripe/confirm.ts';

/** What asking Stripe takes of the settings. */
export const confirmationSettings = ['apiKey', 'apiOrigin'] as const;

/**
 * Fetches a snapshot event by its id: GET /v1/events/{id}, for 30 days. Thin
 * events are only stored: their type would have to be believed.
 * Throws ConfigurationError where there is no key to ask with.
 */
export function createStripeCloudConfirmer(settings: unknown, effects: ProviderEffects): Confirmer {
  const { production } = effects;
  const { credential, origin } = readApiAccess(settings, {
    name: 'apiKey',
    credential: stripeApiKey,
    origin: 'https://api.stripe.com',
    production,
  });
  return fetchingConfirmer(effects, ({ eventId, body, providerAccount }) => {
    if (!/^evt_[A-Za-z0-9_]{1,250}$/.test(eventId) || !body.includes('"object":"event"')) return null;
    return {
      url: `${origin}/v1/events/${eventId}`,
      headers: {
        authorization: `Bearer ${credential}`,
        ...(providerAccount === null ? {} : { 'stripe-account': providerAccount }),
      },
      isIn: (answer) => z.object({ id: z.literal(eventId), object: z.literal('event') }).safeParse(answer).success,
    };
  });
}
