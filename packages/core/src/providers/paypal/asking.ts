import { TransientError } from '../../failure.ts';
import { askProvider, type ApiAnswer } from '../../provider-api.ts';
import type { ProviderEffects } from '../../provider.ts';
import { createAccessTokens } from './access-tokens.ts';
import type { PayPalEnvironment } from './environment.ts';
import type { PayPalCredentials } from './settings.ts';

/** GETs from PayPal's API as the endpoint's app. A refused token is renewed once. */
export function createPayPalAsking(options: {
  readonly environment: PayPalEnvironment;
  readonly credentials: PayPalCredentials;
  readonly effects: ProviderEffects;
}): (url: string, at: Date) => Promise<ApiAnswer> {
  const { effects } = options;
  const tokens = createAccessTokens(options);
  return async (url, at) => {
    const token = await tokens.get(at);
    const headersOf = (bearer: string) => ({ authorization: `Bearer ${bearer}`, accept: 'application/json' });
    try {
      return await askProvider(effects, { url, headers: headersOf(token) });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return askProvider(effects, { url, headers: headersOf(await tokens.replace(token, at)) });
    }
  };
}

function isRefusal(error: unknown): boolean {
  return error instanceof TransientError && error.code === 'provider_refused_us';
}
