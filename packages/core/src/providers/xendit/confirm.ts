import * as z from 'zod';
import type { Confirmer } from '../../confirmation.ts';
import { fetchingConfirmer } from '../../fetching-confirmer.ts';
import type { ProviderEffects } from '../../provider.ts';
import { readBody } from '../event-body.ts';
import { subjectOf, xenditEvent } from './event.ts';
import { readXenditAccess } from './settings.ts';

/**
 * Fetches the payment, refund or invoice that a notification names.
 * Source: docs.xendit.co/apidocs/get-payment, /get-a-refund; xendit-node docs/Invoice.md.
 */
export function createXenditConfirmer(settings: unknown, effects: ProviderEffects): Confirmer {
  const { credential, origin } = readXenditAccess(settings, effects);
  const authorization = `Basic ${Buffer.from(`${credential}:`).toString('base64')}`;
  return fetchingConfirmer(effects, ({ body }) => {
    const { id, path } = subjectOf(readBody(body, xenditEvent));
    if (id === null || path === null) return null;
    return {
      url: `${origin}${path}`,
      headers: { authorization, accept: 'application/json', 'api-version': '2024-11-11' },
      isIn: (answer) => {
        const parsed = named.safeParse(answer);
        return parsed.success && [parsed.data.payment_id, parsed.data.refund_id, parsed.data.id].includes(id);
      },
    };
  });
}

const named = z.object({
  id: z.string().optional(),
  payment_id: z.string().optional(),
  refund_id: z.string().optional(),
});
