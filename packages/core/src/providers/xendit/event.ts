import * as z from 'zod';
import { statedTimeIfReadable } from '../envelope-fields.ts';

/** What Xendit's ids are made of. */
const identifier = z.string().regex(/^[A-Za-z0-9_-]{1,128}$/);

/**
 * A notification: of the payments API (`event` and `data`), or of an invoice,
 * which is the object itself.
 * Source: docs.xendit.co/apidocs/payment-webhook-notification; xendit-node docs/Invoice.md.
 */
export const xenditEvent = z
  .object({
    event: z
      .string()
      .regex(/^[\w.-]{1,128}$/)
      .nullish(),
    business_id: identifier.nullish().catch(null),
    created: statedTimeIfReadable,
    id: identifier.nullish().catch(null),
    external_id: z.unknown().optional(),
    data: z
      .object({
        id: identifier.nullish().catch(null),
        payment_id: identifier.nullish().catch(null),
        refund_id: identifier.nullish().catch(null),
      })
      .nullish(),
  })
  .refine((event) => event.event != null || event.id != null, { error: 'names neither an event nor an id' });

/** What a notification is about, as far as its unsigned words go. */
export interface XenditSubject {
  readonly id: string | null;
  readonly type: string;
  readonly created: Date | null;
  /** Where the API tells of it; null for what is only stored. */
  readonly path: string | null;
}

/** Reads which thing to ask about. */
export function subjectOf(event: z.infer<typeof xenditEvent>): XenditSubject {
  const { created } = event;
  if (event.event == null) {
    const isInvoice = event.external_id !== undefined && event.id != null;
    return {
      id: event.id ?? null,
      type: isInvoice ? 'invoice' : 'unknown',
      created,
      path: isInvoice ? `/v2/invoices/${event.id}` : null,
    };
  }
  const { data, event: type } = event;
  if (type.startsWith('payment.') && data?.payment_id != null)
    return { id: data.payment_id, type, created, path: `/v3/payments/${data.payment_id}` };
  const refund = data?.refund_id ?? data?.id;
  if (type.startsWith('refund.') && refund != null) return { id: refund, type, created, path: `/v3/refunds/${refund}` };
  return { id: data?.id ?? null, type, created, path: null };
}
