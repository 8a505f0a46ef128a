import { describe, expect, test } from 'vitest';
import { configurationSchema, defineConfiguration, fromEnvironment, optionalFromEnvironment } from './configuration.ts';
import { handlersFor } from './handler.ts';

const on = handlersFor<unknown>();

function problemsOf(configuration: unknown): string[] {
  const parsed = configurationSchema.safeParse(configuration);
  return parsed.success ? [] : parsed.error.issues.map((issue) => issue.path.join('.'));
}

describe('a configuration', () => {
  test('may hold settings of every kind, references to the environment, and handlers', () => {
    const configuration = defineConfiguration<unknown>({
      endpoints: {
        stripe: {
          provider: 'stripe',
          account: 'acme',
          secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET'), 'whsec_in_place'],
          toleranceSeconds: 300,
        },
        'paypal-2': {
          provider: 'paypal',
          webhookId: optionalFromEnvironment('PAYPAL_WEBHOOK_ID'),
          environment: { simulator: 'http://127.0.0.1:1' },
          offline: true,
        },
      },
      handlers: [on('payment.captured', 'grant-credits', async () => undefined)],
    });
    expect(problemsOf(configuration)).toEqual([]);
    expect(configurationSchema.parse(configuration)).toEqual(configuration);
  });

  test('needs no handlers and no endpoints', () => {
    expect(problemsOf({ endpoints: {} })).toEqual([]);
  });

  test.each<{ what: string; configuration: unknown; at: string[] }>([
    { what: 'that is missing', configuration: undefined, at: [''] },
    { what: 'without endpoints', configuration: {}, at: ['endpoints'] },
    { what: 'with a word it does not know', configuration: { endpoints: {}, endpoint: {} }, at: [''] },
    {
      what: 'with an endpoint that names no provider',
      configuration: { endpoints: { stripe: { secrets: [] } } },
      at: ['endpoints.stripe.provider'],
    },
    {
      what: 'with a name that cannot stand in a URL',
      configuration: { endpoints: { 'Stripe/1': { provider: 'stripe' } } },
      at: ['endpoints.Stripe/1'],
    },
    {
      what: 'with a name that would make a job id of three parts',
      configuration: { endpoints: { 'a:b': { provider: 'stripe' } } },
      at: ['endpoints.a:b'],
    },
    {
      what: 'with an account of other characters',
      configuration: { endpoints: { stripe: { provider: 'stripe', account: 'a b' } } },
      at: ['endpoints.stripe.account'],
    },
    {
      what: 'with a handler that is no function',
      configuration: { endpoints: {}, handlers: [{ name: 'a', pattern: '*', run: 'b' }] },
      at: ['handlers.0.run'],
    },
    {
      what: 'with a handler without a name',
      configuration: { endpoints: {}, handlers: [{ name: '', pattern: '*', run: () => undefined }] },
      at: ['handlers.0.name'],
    },
    {
      what: 'with several faults at once',
      configuration: { endpoints: { A: { provider: 'stripe' } }, handlers: [{ name: '', pattern: '', run: 1 }] },
      at: ['endpoints.A', 'handlers.0.name', 'handlers.0.pattern', 'handlers.0.run'],
    },
  ])('$what is refused where it is wrong', ({ configuration, at }) => {
    expect(problemsOf(configuration).toSorted()).toEqual(at.toSorted());
  });

  test('a reference to a variable that no shell could set is refused', () => {
    expect(
      problemsOf({ endpoints: { stripe: { provider: 'stripe', secrets: [fromEnvironment('stripe-secret')] } } }),
    ).not.toEqual([]);
    expect(
      problemsOf({ endpoints: { stripe: { provider: 'stripe', webhookId: optionalFromEnvironment('') } } }),
    ).not.toEqual([]);
  });
});
