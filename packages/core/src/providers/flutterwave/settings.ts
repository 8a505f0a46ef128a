import * as z from 'zod';
import { apiOriginSetting, readApiAccess, type ApiAccess } from '../../api-settings.ts';
import { rotatingSecrets } from '../../rotating-secrets.ts';

const secretKey = z.string({ error: 'is required' }).regex(/^[\x21-\x7e]{8,255}$/, 'must be a Flutterwave secret key');

/** What ingest reads; the worker's part is checked by the worker. */
export const flutterwaveSettings = z.strictObject({
  /** The secret hash of the dashboard. */
  secrets: rotatingSecrets,
  secretKey: secretKey.optional(),
  apiOrigin: apiOriginSetting,
});

/** What asking Flutterwave takes of the settings. */
export const confirmationSettings = ['secretKey', 'apiOrigin'] as const;

/** What a worker needs. Throws ConfigurationError with every problem. */
export function readFlutterwaveAccess(settings: unknown, { production }: { readonly production: boolean }): ApiAccess {
  const origin = 'https://api.flutterwave.com';
  return readApiAccess(settings, { name: 'secretKey', credential: secretKey, origin, production });
}
