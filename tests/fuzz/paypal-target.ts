import { crc32 } from 'node:zlib';
import { certificateUrl, transmissionId, webhookId } from '@penstock/core/providers/paypal/fixtures/deliveries';
import { paypal } from '@penstock/core/providers/paypal/provider';
import { signPayPalRequest } from '@penstock/core/providers/paypal/sign';
import type { ThrowawayAuthority } from '@penstock/local/throwaway-authority';
import { bodyOf } from './corpus.ts';
import { fuzzedAt, requestOf, type FuzzTarget } from './target.ts';

const types = [
  'PAYMENT.CAPTURE.COMPLETED',
  'PAYMENT.CAPTURE.REFUNDED',
  'CUSTOMER.DISPUTE.CREATED',
  'CHECKOUT.ORDER.APPROVED',
];

const bodies = types.map((type) =>
  bodyOf({
    id: 'WH-58D329510W468432D-8HN650336L201105X',
    event_version: '1.0',
    create_time: '2026-03-01T11:59:58.123Z',
    resource_type: 'capture',
    event_type: type,
    resource: {
      id: '5O190127TN364715T',
      dispute_id: 'PP-D-1',
      status: 'COMPLETED',
      amount: { currency_code: 'USD', value: '20.00' },
      create_time: '2026-03-01T11:59:50Z',
      update_time: '2026-03-01T11:59:50Z',
      links: [],
    },
  }),
);

/** PayPal's signature is over a CRC32 of the body: what has the same is proven as much. */
export function paypalTarget(authority: ThrowawayAuthority): FuzzTarget {
  const [first = Buffer.alloc(0), ...rest] = bodies;
  return {
    provider: paypal,
    settings: { webhookId, environment: 'sandbox', mode: 'offline' },
    otherSettings: { webhookId: '9XX86294D6297924G', environment: 'sandbox', mode: 'offline' },
    bodies: [first, ...rest],
    sign: (body) =>
      requestOf(
        signPayPalRequest({
          body,
          webhookId,
          transmissionId,
          transmissionTime: fuzzedAt,
          certUrl: certificateUrl,
          privateKeyPem: authority.leafPrivateKeyPem,
        }),
        body,
      ),
    proves: (genuine, { body }) => crc32(body) === crc32(genuine.body),
    answers: bodies,
  };
}
