import * as z from 'zod';
import { apiOriginSetting, readApiAccess, type ApiAccess } from '../../api-settings.ts';
import { rotatingSecrets } from '../../rotating-secrets.ts';

const accessToken = z.string({ error: 'is required' }).regex(/^[\x21-\x7e]{8,512}$/, 'must be an access token');

/** What ingest reads; the worker's part is checked by the worker. */
export const mercadoPagoSettings = z.strictObject({
  secrets: rotatingSecrets,
  /** Whether repetitions are signed anew is not documented: three days by default. */
  toleranceSeconds: z.int().min(1).max(2_592_000).default(259_200),
  accessToken: accessToken.optional(),
  apiOrigin: apiOriginSetting,
});

/** What asking Mercado Pago takes of the settings. */
export const confirmationSettings = ['accessToken', 'apiOrigin'] as const;

/** What a worker needs. Throws ConfigurationError with every problem. */
export function readMercadoPagoAccess(settings: unknown, { production }: { readonly production: boolean }): ApiAccess {
  const origin = 'https://api.mercadopago.com';
  return readApiAccess(settings, { name: 'accessToken', credential: accessToken, origin, production });
}
