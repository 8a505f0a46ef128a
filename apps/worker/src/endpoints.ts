import { ConfigurationError } from '@penstock/core/failure';
import { resolveSettings, withSettings, type LoadedConfiguration } from '@penstock/runtime/configuration-file';
import type { Environment } from '@penstock/runtime/env';
import { providerEffects } from '@penstock/runtime/http-exchange';
import type { WorkerEndpoint } from './confirm-delivery.ts';
import type { ProviderEvents } from './provider-events.ts';

/** A GET that failed in transit is worth two more; the job's own retries come after that. */
const RETRIES_MAX = 2;

/**
 * The endpoints as a worker needs them. Of their secrets it looks up those
 * alone that asking the provider takes. Throws ConfigurationError with the
 * problems of all of them.
 */
export function openWorkerEndpoints(
  configuration: Pick<LoadedConfiguration<never>, 'endpoints'>,
  options: {
    readonly production: boolean;
    readonly environment: Environment;
    readonly events: Pick<ProviderEvents, 'asking' | 'confirming'>;
  },
): ReadonlyMap<string, WorkerEndpoint> {
  const effects = providerEffects({
    production: options.production,
    retriesMax: RETRIES_MAX,
    around: options.events.asking,
  });
  const problems: string[] = [];
  const open = new Map<string, WorkerEndpoint>();
  for (const endpoint of configuration.endpoints.values()) {
    const { confirmation } = endpoint.provider;
    if (confirmation === undefined) {
      open.set(endpoint.name, { settings: endpoint.settings, confirm: null, retry: endpoint.retry });
      continue;
    }
    const resolved = resolveSettings(withSettings(endpoint, confirmation.settings), options.environment);
    problems.push(...resolved.problems);
    if (resolved.problems.length > 0) continue;
    try {
      const ask = confirmation.createConfirmer(resolved.settings, effects);
      const confirm = ask === null ? null : options.events.confirming(endpoint.provider.id, ask);
      open.set(endpoint.name, { settings: endpoint.settings, confirm, retry: endpoint.retry });
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      problems.push(...error.problems.map((problem) => `endpoint ${endpoint.name}: ${problem}`));
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return open;
}
