import * as z from 'zod';
import type { Confirmation, Confirmer } from '../../confirmation.ts';
import type { PaymentFact } from '../../payment-event.ts';
import type { ProviderEffects } from '../../provider.ts';
import { createPayPalAsking } from './asking.ts';
import { readJson } from './envelope.ts';
import { readConfirmSettings } from './settings.ts';
import { translatePayPal } from './translate.ts';

/** What asking PayPal takes of an endpoint's settings. */
export const confirmationSettings = ['environment', 'mode', 'clientId', 'clientSecret', 'confirm'] as const;

/**
 * Asks PayPal for the event by its id: GET /v1/notifications/webhooks-events/{id},
 * authorised as the endpoint's app. PayPal's signature proves a CRC32 of the
 * body, which a forger can keep; what this answers is proven by TLS and OAuth.
 *
 * Which events are asked about is the setting `confirm`: all unless it is set,
 * for an event that nobody asked about could use up the headers of another;
 * with `money` those that say something about payments. A refused token is renewed
 * once. Throws ConfigurationError where there are no credentials to ask with
 * and `confirm: 'never'` does not say that this is accepted.
 * Source: PayPal openapi notifications_webhooks_v1.json, webhooks-events.get.
 */
export function createPayPalConfirmer(settings: unknown, effects: ProviderEffects): Confirmer | null {
  const { environment, confirm } = readConfirmSettings(settings, effects);
  if (confirm.kind === 'never') return null;
  const ask = createPayPalAsking({ environment, credentials: confirm.credentials, effects });

  return (event) => {
    if (event.tier !== 'partial') return null;
    if (confirm.kind === 'money' && translatePayPal(event.body).length === 0) return null;
    const url = `${environment.apiOrigin}/v1/notifications/webhooks-events/${encodeURIComponent(event.eventId)}`;
    return async (at): Promise<Confirmation> => {
      const answer = await ask(url, at);
      if (answer.kind === 'absent') return { kind: 'denied', reason: 'PayPal knows no event of this id' };
      const problem = contradiction(answer.body, event);
      return problem === null
        ? { kind: 'confirmed', answer: answer.body, source: url }
        : { kind: 'denied', reason: problem };
    };
  };
}

/** What the answer says about payments, whatever the notification said. */
export function translatePayPalAnswer(_event: Buffer, answer: Buffer): readonly PaymentFact[] {
  return translatePayPal(answer);
}

const answerEnvelope = z.object({ id: z.string(), event_type: z.string() });

function contradiction(answer: Buffer, event: { readonly eventId: string; readonly type: string }): string | null {
  const json = readJson(answer);
  const parsed = answerEnvelope.safeParse(json.kind === 'json' ? json.value : undefined);
  if (!parsed.success) return 'PayPal answered with something that is no event';
  if (parsed.data.id !== event.eventId) return 'PayPal answered with another event';
  return parsed.data.event_type === event.type ? null : 'PayPal says that the event is of another type';
}
