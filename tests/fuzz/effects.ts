import { TransientError } from '@penstock/core/failure';
import { certificateUrl } from '@penstock/core/providers/paypal/fixtures/deliveries';
import type { ProviderEffects } from '@penstock/core/provider';
import type { ThrowawayAuthority } from '@penstock/local/throwaway-authority';

/** A world in which PayPal's one certificate can be had, and nothing else. */
export function certificateEffects(authority: ThrowawayAuthority): ProviderEffects {
  return {
    exchange: async ({ url }) => {
      if (url !== certificateUrl)
        throw new TransientError('provider_unreachable', 'there is nothing else in this world');
      return { status: 200, headers: {}, body: Buffer.from(authority.chainPem) };
    },
    trustedRoots: [authority.rootPem],
    production: false,
  };
}
