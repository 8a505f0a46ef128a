import { eventBody } from './fixtures/deliveries.ts';
import { conformsTo } from '../testing/conformance.ts';
import { stripe } from './provider.ts';
import { signStripeRequest } from './sign.ts';

conformsTo({
  provider: stripe,
  tier: 'full',
  settingsWith: (secrets) => ({ secrets }),
  secret: 'whsec_current_of_the_tests',
  otherSecret: 'whsec_previous_of_the_tests',
  body: eventBody(),
  sign: (body, { secret, at }) => {
    const { 'stripe-signature': signature = '' } = signStripeRequest({ body, secrets: [secret], signedAt: at });
    return { method: 'POST', headers: { 'stripe-signature': [signature] }, query: '', body };
  },
  signatureHeader: 'stripe-signature',
  encoding: 'hex',
  several: ([first = '', ...rest]) => [[first, ...rest.map((value) => value.split(',')[1] ?? '')].join(',')],
  many: null,
  eventIdAt: { path: ['id'], without: 'malformed' },
  windowSeconds: 300,
  expected: {
    eventId: 'evt_1PqR2sT3uV4wX5yZ',
    type: 'customer.created',
    occurredAt: new Date('2026-03-01T11:59:50Z'),
    providerAccount: null,
  },
});
