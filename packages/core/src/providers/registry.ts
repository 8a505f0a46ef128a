import type { Provider } from '../provider.ts';
import { paypal } from './paypal/provider.ts';
import { square } from './square/provider.ts';
import { stripe } from './stripe/provider.ts';

/** Every provider that can be configured. */
export const providers = { stripe, paypal, square } satisfies Record<string, Provider>;

export type ProviderId = keyof typeof providers;

/** The provider of that name, or undefined. */
export function providerNamed(id: string): Provider | undefined {
  return Object.hasOwn(providers, id) ? Object.entries(providers).find(([name]) => name === id)?.[1] : undefined;
}
