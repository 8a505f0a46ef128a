import * as z from 'zod';
import { readApiAccess, type ApiAccess } from '../../api-settings.ts';
import type { Confirmer } from '../../confirmation.ts';
import { fetchingConfirmer, type Subject } from '../../fetching-confirmer.ts';
import { readJsonBody } from '../../json-body.ts';
import { parseSettings } from '../../provider-settings.ts';
import type { ProviderEffects } from '../../provider.ts';

/** What asking Stripe takes of the settings. */
export const confirmationSettings = ['apiKey', 'apiVersion', 'apiOrigin'] as const;

/** A restricted key that may read payments, refunds, disputes and payouts is enough. */
export const stripeApiKey = z.string().regex(/^[\x21-\x7e]{8,255}$/, 'must be a Stripe API key');

/** How objects are rendered; what the translation is tested with. */
const API_VERSION = '2026-01-28.clover';

const settingsSchema = z.object({
  apiKey: z.unknown().optional(),
  apiVersion: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}(\.[a-z]+)?$/, 'must be a Stripe API version')
    .default(API_VERSION),
});

/**
 * Fetches the object that a thin event names. Snapshot events hold theirs and
 * are signed: nothing is asked. Without an `apiKey` a thin event says nothing
 * and is stored. Throws ConfigurationError with every problem of the settings.
 *
 * Source: stripe-node esm/stripe.core.js parseEventNotification, fetchRelatedObject.
 */
export function createStripeConfirmer(settings: unknown, effects: ProviderEffects): Confirmer | null {
  const access = readStripeAccess(settings, effects);
  if (access === null) return null;
  return fetchingConfirmer(effects, ({ eventId, body, providerAccount }): Subject | null => {
    const reading = readJsonBody(body, thinEvent);
    if (reading.kind === 'malformed' || reading.value.related_object == null) return null;
    const { id, url } = reading.value.related_object;
    return {
      url: `${access.origin}${url}`,
      headers: {
        authorization: `Bearer ${access.credential}`,
        'stripe-version': access.apiVersion,
        'stripe-request-trigger': `event=${eventId}`,
        ...(providerAccount === null ? {} : { 'stripe-context': providerAccount }),
      },
      isIn: (answer) => z.object({ id: z.literal(id) }).safeParse(answer).success,
    };
  });
}

/** What asking Stripe takes; null without an `apiKey`. Throws ConfigurationError with every problem of the settings. */
export function readStripeAccess(
  settings: unknown,
  { production }: { readonly production: boolean },
): (ApiAccess & { readonly apiVersion: string }) | null {
  const { apiKey, apiVersion } = parseSettings(settingsSchema, settings);
  if (apiKey === undefined) return null;
  const origin = 'https://api.stripe.com';
  return {
    ...readApiAccess(settings, { name: 'apiKey', credential: stripeApiKey, origin, production }),
    apiVersion,
  };
}

/** The path is Stripe's own, but it is put behind our key: one plain path of its API and nothing else. */
const thinEvent = z.object({
  object: z.literal('v2.core.event'),
  related_object: z
    .object({
      id: z.string().regex(/^[A-Za-z0-9_]{1,255}$/),
      url: z.string().regex(/^\/v[12](\/[A-Za-z0-9_]{1,255}){1,8}$/),
    })
    .nullish(),
});
