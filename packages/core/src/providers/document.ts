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
      'What a signature proves: **full**, body and time; **body**, the body, so that only the ledger stops a repetition; **partial**, part of the message, and only that part is acted upon (PayPal proves a CRC32 of the body, Adyen eight fields).',
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
  'generic-hmac': 'body',
  github: 'body',
  gocardless: 'body',
  'lemon-squeezy': 'body',
  paddle: 'full',
  paystack: 'body',
  razorpay: 'body',
  shopify: 'body',
  square: 'body',
  'standard-webhooks': 'full',
} as const satisfies Record<keyof typeof providers, Tier>;

function tierOf(id: string): string {
  return Object.entries(tiers).find(([name]) => name === id)?.[1] ?? '';
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

const unsupported: readonly { readonly name: string; readonly reason: string }[] = [
  {
    name: 'Mollie',
    reason:
      'classic webhooks are unsigned and must be fetched to be believed; of the signed ones none tells a payment.',
  },
  {
    name: 'Mercado Pago, Xendit, Flutterwave v3',
    reason: 'the body is not signed: the event must be fetched to be believed, which is not built.',
  },
  { name: 'Flutterwave v4', reason: 'its signature could not be confirmed from official material.' },
  { name: 'Worldpay, Klarna', reason: 'public accounts of their signatures disagree.' },
  { name: "Stripe's thin events", reason: 'verified and stored; the object they name is not fetched.' },
];
