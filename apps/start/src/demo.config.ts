import { CANARY_ENDPOINT } from '@penstock/core/canary';
import { defineConfiguration, fromEnvironment, type Endpoint } from '@penstock/core/configuration';
import type { LedgerTransaction } from '@penstock/db/database';
import configuration from '../../../penstock.config.ts';

/**
 * The user's own configuration with two endpoints for the demonstration, and
 * the canary's, beside it, whose secret every run has. An endpoint whose variables are not set is left out: everything else
 * can be tried before there is an account with every provider.
 */
export default defineConfiguration<LedgerTransaction>({
  ...configuration,
  endpoints: {
    // Before the user's own, which has one unless it was taken out.
    canary: { provider: 'standard-webhooks', secrets: [fromEnvironment('CANARY_SECRET')] },
    ...Object.fromEntries(
      Object.entries(configuration.endpoints).filter(([, endpoint]) => missingVariables(endpoint).length === 0),
    ),
    'demo-stripe': { provider: 'stripe', secrets: [fromEnvironment('PENSTOCK_DEMO_STRIPE_SECRET')] },
    'demo-paypal': {
      provider: 'paypal',
      webhookId: fromEnvironment('PENSTOCK_DEMO_PAYPAL_WEBHOOK_ID'),
      environment: { simulator: fromEnvironment('PENSTOCK_DEMO_PAYPAL_ORIGIN') },
      mode: 'offline',
      clientId: 'simulated',
      clientSecret: 'simulated',
    },
  },
});

/** The user's endpoints that are not served, with what they lack. */
export const unservedEndpoints: readonly { readonly name: string; readonly missing: readonly string[] }[] =
  Object.entries(configuration.endpoints)
    .filter(([name]) => name !== CANARY_ENDPOINT)
    .map(([name, endpoint]) => ({ name, missing: missingVariables(endpoint) }))
    .filter(({ missing }) => missing.length > 0);

function missingVariables(endpoint: Endpoint): readonly string[] {
  return Object.values(endpoint)
    .flatMap(variablesOf)
    .filter((name) => (process.env[name] ?? '') === '' && (process.env[`${name}_FILE`] ?? '') === '');
}

function variablesOf(setting: unknown): readonly string[] {
  if (typeof setting !== 'object' || setting === null) return [];
  if ('fromEnvironment' in setting && typeof setting.fromEnvironment === 'string')
    return 'optional' in setting && setting.optional === true ? [] : [setting.fromEnvironment];
  return Object.values(setting).flatMap(variablesOf);
}
