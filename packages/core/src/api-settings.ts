import * as z from 'zod';
import { ConfigurationError } from './failure.ts';
import { loopbackOrigin } from './loopback-origin.ts';
import { parseSettings } from './provider-settings.ts';

/** What asking a provider's API takes. */
export interface ApiAccess {
  /** The key or token that is sent along. */
  readonly credential: string;
  readonly origin: string;
}

/** A provider's API stood in for on this machine; never in production. */
export const apiOriginSetting = loopbackOrigin.optional();

/**
 * Reads what a worker needs to ask a provider: the setting that holds the
 * credential, and `apiOrigin` where a test stands in for the API. Throws
 * ConfigurationError with every problem; none repeats a value.
 */
export function readApiAccess(
  settings: unknown,
  api: {
    /** The setting's name, e.g. `apiKey`. */
    readonly name: string;
    readonly credential: z.ZodType<string>;
    readonly origin: string;
    readonly production: boolean;
  },
): ApiAccess {
  const given = parseSettings(z.looseObject({ apiOrigin: apiOriginSetting }), settings);
  const parsed = parseSettings(z.object({ [api.name]: api.credential }), settings);
  if (api.production && given.apiOrigin !== undefined)
    throw new ConfigurationError([
      'apiOrigin: a stand-in decides for itself what is genuine and is refused in production',
    ]);
  return { credential: parsed[api.name] ?? '', origin: given.apiOrigin ?? api.origin };
}
