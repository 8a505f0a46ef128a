import * as z from 'zod';
import type { ApiAccess } from '../../api-settings.ts';
import type { Confirmer, UnconfirmedEvent } from '../../confirmation.ts';
import { fetchingConfirmer } from '../../fetching-confirmer.ts';
import type { ApiQuestion } from '../../provider-api.ts';
import type { ProviderEffects } from '../../provider.ts';
import { fetchingSnapshotter, type Snapshotter } from '../../snapshot.ts';
import { readMollieAccess } from './settings.ts';
import { namedPayment } from './translate.ts';
import { classicId } from './verify.ts';

/**
 * Fetches the payment that a classic form, or a signed event without a
 * payload, names: GET /v2/payments/{id} with its refunds and chargebacks.
 * Source: docs.mollie.com/reference/get-payment.
 */
export function createMollieConfirmer(settings: unknown, effects: ProviderEffects): Confirmer | null {
  const access = readMollieAccess(settings, effects);
  if (access === null) return null;
  return fetchingConfirmer(effects, (event) => {
    const id = paymentOf(event);
    return id === null
      ? null
      : {
          ...paymentQuestion(access, id),
          isIn: (answer) => z.object({ id: z.literal(id) }).safeParse(answer).success,
        };
  });
}

/** Asks Mollie how a payment stands, with its refunds and chargebacks. Source: docs.mollie.com/reference/get-payment. */
export function createMollieSnapshotter(settings: unknown, effects: ProviderEffects): Snapshotter | null {
  const access = readMollieAccess(settings, effects);
  if (access === null) return null;
  return fetchingSnapshotter(effects, { kinds: ['payment'], questionOf: ({ id }) => paymentQuestion(access, id) });
}

function paymentQuestion(access: ApiAccess, id: string): ApiQuestion {
  return {
    url: `${access.origin}/v2/payments/${id}?embed=refunds,chargebacks`,
    headers: { authorization: `Bearer ${access.credential}`, accept: 'application/hal+json' },
  };
}

/** Of what classic webhooks call for, payments alone (`tr_…`) are folded. */
function paymentOf(event: UnconfirmedEvent): string | null {
  if (event.tier !== 'none') return namedPayment(event.body);
  const id = classicId(event.body);
  return id?.startsWith('tr_') === true ? id : null;
}
