import * as z from 'zod';
import { apiOriginSetting, readApiAccess, type ApiAccess } from '../../api-settings.ts';
import { rotatingSecrets } from '../../rotating-secrets.ts';

/** A colon would end the user name of Basic authentication early. */
const apiKey = z.string({ error: 'is required' }).regex(/^[\x21-\x39\x3b-\x7e]{8,255}$/, 'must be a Xendit secret key');

/** What ingest reads; the worker's part is checked by the worker. */
export const xenditSettings = z.strictObject({
  /** The webhook verification token of the dashboard. */
  secrets: rotatingSecrets,
  apiKey: apiKey.optional(),
  apiOrigin: apiOriginSetting,
});

/** What asking Xendit takes of the settings. */
export const confirmationSettings = ['apiKey', 'apiOrigin'] as const;

/** What a worker needs. Throws ConfigurationError with every problem. */
export function readXenditAccess(settings: unknown, { production }: { readonly production: boolean }): ApiAccess {
  return readApiAccess(settings, { name: 'apiKey', credential: apiKey, origin: 'https://api.xendit.co', production });
}
