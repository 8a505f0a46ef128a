import type { SignedRequest } from '../../signed-request.ts';
import { adyenNotification, signAdyenItem } from './sign.ts';

/** The key of the documentation's example. */
export const secret = '44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056';
export const otherSecret = 'DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00';

/** An authorisation as documented, unsigned. */
export const authorisation = {
  eventCode: 'AUTHORISATION',
  success: 'true',
  pspReference: '7914073381342284',
  originalReference: '',
  merchantAccountCode: 'TestMerchant',
  merchantReference: 'TestPayment-1407325143704',
  amount: { value: 1130, currency: 'EUR' },
  eventDate: '2026-03-01T12:59:58+01:00',
  reason: '1234:7777:12/2030',
  paymentMethod: 'visa',
  additionalData: { cardSummary: '7777' },
} as const;

export function requestOf(body: Buffer, headers: SignedRequest['headers'] = {}): SignedRequest {
  return { method: 'POST', headers, query: '', body };
}

/** A notification of these items, each signed. */
export function signedRequest(items: readonly Readonly<Record<string, unknown>>[], key = secret): SignedRequest {
  return requestOf(
    adyenNotification(
      items.map((item) => signAdyenItem({ item, secret: key })),
      { live: false },
    ),
  );
}
