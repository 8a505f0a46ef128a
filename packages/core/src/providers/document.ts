import type { Tier } from '../verification.ts';
import { providers } from './registry.ts';

/** docs/PROVIDERS.md, made of the registry: what is supported, how far it is proven, how to set it up, and what is not. */
export function renderProviders(): string {
  const rows = Object.entries(providers).map(([id, { documentation }]) => {
    const { title, signatureIn, window, retries, covers } = documentation;
    return `| ${[`${title} (\`${id}\`)`, tierOf(id), signatureIn, window, retries, covers].map(cell).join(' | ')} |`;
  });
  const setups = Object.entries(providers).map(
    ([
      id,
      {
        documentation: { title, setup, source },
      },
    ]) =>
      `### ${title} (\`${id}\`)\n\n${setup.map((step, index) => `${index + 1}. ${step}`).join('\n')}\n\nSource of the scheme: ${source}.`,
  );
  return (
    [
      '# Providers',
      'Made from the registry by `pnpm docs:providers`; a test fails when the two differ.',
      '## Supported',
      [
        '| provider | signature proves | signature in | window | retries | says something about |',
        '|---|---|---|---|---|---|',
        ...rows,
      ].join('\n'),
      'What a signature proves: **full**, body and time; **body**, the body, so that only the ledger stops a repetition; **partial**, part of the message (PayPal proves a CRC32 of the body, Adyen eight fields, Mercado Pago an id); **none**, nothing but a token that is always the same (and classic Mollie). What is not proven is not acted upon: it is left aside, or the worker fetches it from the provider and acts on the answer.',
      '## Not supported',
      unsupported.map(({ name, reason }) => `- **${name}**: ${reason}`).join('\n'),
      '## Setting up',
      ...setups,
      '',
    ]
      .join('\n\n')
      .trimEnd() + '\n'
  );
}

const tiers = {
  stripe: 'full',
  paypal: 'partial',
  adyen: 'partial',
  braintree: 'body',
  checkout: 'body',
  'coinbase-commerce': 'body',
  flutterwave: 'none',
  'generic-hmac': 'body',
  github: 'body',
  gocardless: 'body',
  'lemon-squeezy': 'body',
  'mercado-pago': 'partial',
  mollie: 'body',
  paddle: 'full',
  paystack: 'body',
  razorpay: 'body',
  shopify: 'body',
  square: 'body',
  'standard-webhooks': 'full',
  'stripe-cloud': 'none',
  xendit: 'none',
} as const satisfies Record<keyof typeof providers, Tier>;

function tierOf(id: string): string {
  return Object.entries(tiers).find(([name]) => name === id)?.[1] ?? '';
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

const unsupported: readonly { readonly name: string; readonly reason: string }[] = [
  {
    name: 'Flutterwave v4',
    reason:
      'its signature could not be confirmed from official material; third parties write HMAC-SHA256 of the body in base64.',
  },
  { name: 'Worldpay, Klarna', reason: 'public accounts of their signatures disagree.' },
  {
    name: "Stripe's thin events through EventBridge or Event Grid",
    reason: 'stored; their type would have to be believed. Over HTTPS they are supported.',
  },
];
