import { randomOf, type Random } from '../fuzz/random.ts';

/** An event as its provider will send it, with what must become of it. */
export interface ChaosEvent {
  readonly id: string;
  readonly endpoint: 'stripe' | 'paypal';
  readonly body: Buffer;
  /** `dead`: its handler is told to fail for good. `repaired`: dead until it is mended and sent again. */
  readonly fate: 'processed' | 'dead' | 'repaired';
  /** The handlers of chaos.config.ts that take effect, each exactly once. */
  readonly effects: readonly string[];
}

/** What a payment must be once all of its events are in, by the arithmetic of its own life. */
export interface ExpectedPayment {
  readonly account: string;
  readonly reference: string;
  readonly status: string;
  readonly amount: number;
  readonly captured: number;
  readonly refunded: number;
}

/** Events that belong together, in the order they happened, and the payment they amount to. */
export interface Life {
  readonly events: readonly ChaosEvent[];
  readonly payment: ExpectedPayment | null;
}

/** The n-th life of a run; the seed and the number decide everything but its time. */
export function liveOnce(run: { readonly seed: number; readonly number: number; readonly now: Date }): Life {
  const random = randomOf(run.seed, run.number + 1);
  const name = `${run.seed}x${run.number}`;
  const createdAt = Math.floor(run.now.getTime() / 1_000);
  const draw = random.below(100);
  if (draw < 40) return stripePayment({ name, createdAt, random });
  if (draw < 55) return paypalPayment({ name, createdAt, random });
  if (draw < 80) return single({ name, createdAt, type: 'customer.created', effects: ['every-event'] });
  if (draw < 92) return single({ name, createdAt, type: 'invoice.paid', effects: ['every-event', 'slow-to-succeed'] });
  if (draw < 96) return single({ name, createdAt, type: 'customer.updated', effects: ['every-event'], fate: 'dead' });
  return single({
    name,
    createdAt,
    type: 'customer.deleted',
    effects: ['every-event', 'until-repaired'],
    fate: 'repaired',
  });
}

/** An event whose handler fails for as long as the gate `held` is closed. */
export function heldEvent(name: string, now: Date): ChaosEvent {
  const createdAt = Math.floor(now.getTime() / 1_000);
  return stripeEvent({ id: `evt_${name}`, createdAt, type: 'invoice.created', effects: ['every-event', 'held'] });
}

/** An event that tells whether all is well again. */
export function canaryEvent(name: string, now: Date): ChaosEvent {
  const createdAt = Math.floor(now.getTime() / 1_000);
  return stripeEvent({ id: `evt_${name}`, createdAt, type: 'customer.created', effects: ['every-event'] });
}

interface Making {
  readonly name: string;
  readonly createdAt: number;
  readonly random: Random;
}

function stripePayment({ name, createdAt, random }: Making): Life {
  const [intentId, chargeId] = [`pi_${name}`, `ch_${name}`];
  const amount = 1_000 + random.below(9_000);
  const refunded = random.below(3) === 0 ? 1 + random.below(amount) : 0;
  const failsOnce = random.below(4) === 0;
  const intent = { id: intentId, object: 'payment_intent', amount, currency: 'eur', amount_capturable: 0 };
  const begun = { ...intent, amount_received: 0, latest_charge: null, status: 'requires_payment_method' };
  const refund = { object: 'refund', currency: 'eur', charge: chargeId, payment_intent: intentId, reason: null };
  const told: (readonly [type: string, after: number, object: Record<string, unknown>, effects?: readonly string[]])[] =
    [
      ['payment_intent.created', 0, begun],
      ...(failsOnce
        ? ([['payment_intent.payment_failed', 1, { ...begun, last_payment_error: { code: 'card_declined' } }]] as const)
        : []),
      [
        'payment_intent.succeeded',
        2,
        { ...intent, amount_received: amount, latest_charge: chargeId, status: 'succeeded' },
        ['captures'],
      ],
      ...(refunded > 0
        ? ([
            ['refund.created', 3, { ...refund, id: `re_${name}`, amount: refunded, status: 'succeeded' }],
            ['refund.created', 3, { ...refund, id: `rf_${name}`, amount: 1, status: 'pending' }],
            ['refund.failed', 4, { ...refund, id: `rf_${name}`, amount: 1, status: 'failed' }],
          ] as const)
        : []),
    ];
  return {
    events: told.map(([type, after, object, effects = []], index) =>
      stripeEvent({
        id: `evt_${name}_${index}`,
        createdAt: createdAt + after,
        type,
        object,
        effects: ['every-event', ...effects],
      }),
    ),
    payment: {
      account: 'acme',
      reference: `payment_intent:${intentId}`,
      status: 'captured',
      amount,
      captured: amount,
      refunded,
    },
  };
}

function paypalPayment({ name, createdAt, random }: Making): Life {
  const captureId = `CAP${name}`;
  const amount = 100 * (10 + random.below(90));
  const refunded = random.below(2) === 0 ? 100 * (1 + random.below(amount / 100)) : 0;
  const money = (cents: number) => ({ currency_code: 'USD', value: (cents / 100).toFixed(2) });
  const at = (after: number) => `${new Date((createdAt + after) * 1_000).toISOString().slice(0, 19)}Z`;
  const capture = { id: captureId, amount: money(amount), create_time: at(0), final_capture: true };
  const up = {
    links: [{ rel: 'up', method: 'GET', href: `https://api.paypal.com/v2/payments/captures/${captureId}` }],
  };
  const told: (readonly [type: string, kind: string, after: number, resource: Record<string, unknown>])[] = [
    ['PAYMENT.CAPTURE.PENDING', 'capture', 0, { ...capture, status: 'PENDING', update_time: at(0) }],
    ['PAYMENT.CAPTURE.COMPLETED', 'capture', 1, { ...capture, status: 'COMPLETED', update_time: at(1) }],
    ...(refunded > 0
      ? ([
          [
            'PAYMENT.CAPTURE.REFUNDED',
            'refund',
            2,
            {
              id: `REF${name}`,
              status: 'COMPLETED',
              amount: money(refunded),
              create_time: at(2),
              update_time: at(2),
              ...up,
            },
          ],
        ] as const)
      : []),
  ];
  return {
    events: told.map(([type, kind, after, resource], index) =>
      paypalEvent({ id: `WH-${name}-${index}`, at: at(after), type, kind, resource }),
    ),
    payment: {
      account: 'acme-paypal',
      reference: `capture:${captureId}`,
      status: 'captured',
      amount,
      captured: amount,
      refunded,
    },
  };
}

function single(given: Omit<Parameters<typeof stripeEvent>[0], 'id'> & { readonly name: string }): Life {
  return { events: [stripeEvent({ id: `evt_${given.name}`, ...given })], payment: null };
}

function stripeEvent(given: {
  readonly id: string;
  readonly createdAt: number;
  readonly type: string;
  readonly effects: readonly string[];
  readonly fate?: ChaosEvent['fate'];
  readonly object?: Record<string, unknown>;
}): ChaosEvent {
  const { id, createdAt, type, effects, fate = 'processed', object = { id: 'cus_1', object: 'customer' } } = given;
  const body = {
    id,
    object: 'event',
    api_version: '2026-01-28',
    created: createdAt,
    livemode: false,
    pending_webhooks: 1,
    type,
    data: { object },
    request: null,
  };
  return { id, endpoint: 'stripe', body: Buffer.from(JSON.stringify(body)), fate, effects };
}

function paypalEvent(given: {
  readonly id: string;
  readonly at: string;
  readonly type: string;
  readonly kind: string;
  readonly resource: Record<string, unknown>;
}): ChaosEvent {
  const body = {
    id: given.id,
    event_version: '1.0',
    create_time: given.at,
    resource_type: given.kind,
    resource_version: '2.0',
    event_type: given.type,
    summary: '',
    resource: given.resource,
    links: [],
  };
  const effects = given.type === 'PAYMENT.CAPTURE.COMPLETED' ? ['every-event', 'captures'] : ['every-event'];
  return { id: given.id, endpoint: 'paypal', body: Buffer.from(JSON.stringify(body)), fate: 'processed', effects };
}
