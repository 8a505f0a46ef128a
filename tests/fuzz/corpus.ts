import { createRequire } from 'node:module';
import * as z from 'zod';
import resources from './corpus/stripe-resources.json' with { type: 'json' };

/** Stripe's samples of its resources, each as the object of the events that carry it. */
export const stripeEvents: readonly Buffer[] = Object.entries(resources.resources).flatMap(([name, object]) =>
  typesOf(name).map((type, position) =>
    bodyOf({
      id: `evt_${name}${position}`,
      object: 'event',
      api_version: '2026-01-28.clover',
      created: 1_772_366_390,
      livemode: false,
      pending_webhooks: 1,
      type,
      data: { object },
    }),
  ),
);

/** Those of them that say something about payments. */
export const paymentEvents: readonly Buffer[] = stripeEvents.filter((event) =>
  /"type":"(?:payment_intent|charge|refund|payout)[._]/.test(event.toString('utf8')),
);

function typesOf(name: string): readonly string[] {
  switch (name) {
    case 'payment_intent':
      return ['created', 'succeeded', 'payment_failed', 'canceled'].map((verb) => `payment_intent.${verb}`);
    case 'charge':
      return ['succeeded', 'captured', 'failed', 'refunded', 'updated'].map((verb) => `charge.${verb}`);
    case 'refund':
      return ['refund.created', 'refund.failed', 'charge.refund.updated'];
    case 'dispute':
      return ['created', 'closed', 'funds_withdrawn'].map((verb) => `charge.dispute.${verb}`);
    case 'payout':
      return ['payout.created', 'payout.paid', 'payout.failed'];
    default:
      return [`${name}.updated`];
  }
}

/** GitHub's own examples of its webhooks, the first three of each event. */
export const githubEvents: readonly Buffer[] = z
  .array(z.object({ examples: z.array(z.unknown()) }))
  .parse(createRequire(import.meta.url)('@octokit/webhooks-examples/api.github.com/index.json'))
  .flatMap(({ examples }) => examples.slice(0, 3).map(bodyOf));

export function bodyOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
