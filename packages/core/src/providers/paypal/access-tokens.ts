import * as z from 'zod';
import { ServiceAwayError, TransientError } from '../../failure.ts';
import type { ProviderEffects } from '../../provider.ts';
import { isAway, readRetryAfterMs } from '../../provider-api.ts';
import { readJson } from './envelope.ts';
import type { PayPalEnvironment } from './environment.ts';
import type { PayPalCredentials } from './settings.ts';

export interface AccessTokens {
  /** The current token, fetched if there is none. Rejects with TransientError where PayPal gives none. */
  readonly get: (at: Date) => Promise<string>;
  /** A token other than one PayPal refused; fetched once, however many were refused it. */
  readonly replace: (refused: string, at: Date) => Promise<string>;
}

/**
 * OAuth tokens of one app: POST /v1/oauth2/token, client credentials. A token is
 * kept until a minute before it expires; one request is under way at a time, and
 * all who ask meanwhile share its outcome. A failure is not kept.
 */
export function createAccessTokens({
  environment,
  credentials,
  effects,
}: {
  readonly environment: PayPalEnvironment;
  readonly credentials: PayPalCredentials;
  readonly effects: ProviderEffects;
}): AccessTokens {
  let kept: { readonly value: string; readonly until: number } | null = null;
  let underWay: Promise<string> | null = null;

  async function fetchToken(at: Date): Promise<string> {
    const token = await requestToken({ environment, credentials, effects });
    kept = { value: token.access_token, until: at.getTime() + (token.expires_in - EXPIRY_MARGIN_SECONDS) * 1_000 };
    return token.access_token;
  }

  async function get(at: Date): Promise<string> {
    if (kept !== null && at.getTime() < kept.until) return kept.value;
    underWay ??= fetchToken(at).finally(() => {
      underWay = null;
    });
    return underWay;
  }

  async function replace(refused: string, at: Date): Promise<string> {
    if (kept?.value === refused) kept = null;
    return get(at);
  }

  return { get, replace };
}

/** A token must outlive the question it authorises. */
const EXPIRY_MARGIN_SECONDS = 60;

const TOKEN_TIMEOUT_MS = 5_000;

/** The reply lists the app's scopes: some 3 KB for an app with all of them. */
const TOKEN_REPLY_BYTES_MAX = 65_536;

const tokenReply = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,8192}$/),
  expires_in: z.number().nonnegative(),
});

async function requestToken({
  environment,
  credentials,
  effects,
}: Parameters<typeof createAccessTokens>[0]): Promise<z.infer<typeof tokenReply>> {
  const basic = Buffer.from(`${credentials.clientId}:${credentials.clientSecret}`).toString('base64');
  const response = await effects.exchange({
    method: 'POST',
    url: `${environment.apiOrigin}/v1/oauth2/token`,
    headers: {
      authorization: `Basic ${basic}`,
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    },
    body: 'grant_type=client_credentials',
    timeoutMs: TOKEN_TIMEOUT_MS,
    bodyBytesMax: TOKEN_REPLY_BYTES_MAX,
  });
  if (isAway(response.status))
    throw new ServiceAwayError('provider_away', `PayPal answered the token request with ${response.status}`, {
      retryAfterMs: readRetryAfterMs(response.headers['retry-after']),
    });
  if (response.status !== 200)
    throw new TransientError(
      'paypal_token_refused',
      `PayPal answered the token request with ${response.status}; check clientId and clientSecret of this endpoint`,
    );
  const json = readJson(response.body);
  const parsed = tokenReply.safeParse(json.kind === 'json' ? json.value : undefined);
  if (!parsed.success)
    throw new TransientError(
      'paypal_token_unreadable',
      'PayPal answered the token request with something unreadable; try again later',
    );
  return parsed.data;
}
