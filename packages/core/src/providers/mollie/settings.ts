import * as z from 'zod';
import { apiOriginSetting, readApiAccess, type ApiAccess } from '../../api-settings.ts';
import { ConfigurationError } from '../../failure.ts';
import { parseSettings } from '../../provider-settings.ts';
import { rotatingSecrets, type RotatingSecret } from '../../rotating-secrets.ts';

const apiKey = z.string({ error: 'must be text' }).regex(/^[\x21-\x7e]{8,255}$/, 'must be a Mollie API key');

const settingsSchema = z
  .strictObject({
    /** Signing secrets of next-gen webhooks. */
    secrets: rotatingSecrets.optional(),
    /** What stands in the URL of classic webhooks: `…/webhooks/mollie?token=…`. */
    tokens: rotatingSecrets.optional(),
    /** Asks Mollie what an event is about; classic webhooks say nothing else. */
    apiKey: apiKey.optional(),
    apiOrigin: apiOriginSetting,
  })
  .refine(({ secrets, tokens }) => secrets !== undefined || tokens !== undefined, {
    error: 'secrets (next-gen webhooks) or tokens (classic webhooks) are required',
  });

export interface MollieSettings {
  readonly secrets: readonly RotatingSecret[];
  readonly tokens: readonly RotatingSecret[];
}

/** What ingest needs. Throws one ConfigurationError with every problem. */
export function readMollieSettings(settings: unknown): MollieSettings {
  const { secrets = [], tokens = [] } = parseSettings(settingsSchema, settings);
  return { secrets, tokens };
}

/** What asking Mollie takes of the settings; `tokens` says that it must be asked. */
export const confirmationSettings = ['apiKey', 'apiOrigin', 'tokens'] as const;

/** What a worker needs; null where nothing has to be asked. Throws ConfigurationError. */
export function readMollieAccess(
  settings: unknown,
  { production }: { readonly production: boolean },
): ApiAccess | null {
  const given = parseSettings(z.object({ apiKey: z.unknown().optional(), tokens: z.unknown().optional() }), settings);
  if (given.apiKey !== undefined)
    return readApiAccess(settings, {
      name: 'apiKey',
      credential: apiKey,
      origin: 'https://api.mollie.com',
      production,
    });
  if (given.tokens === undefined) return null;
  throw new ConfigurationError([
    'apiKey is required with tokens: classic webhooks are not signed, so each payment is fetched from Mollie',
  ]);
}
