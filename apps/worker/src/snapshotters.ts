import { ConfigurationError } from '@penstock/core/failure';
import type { Provider } from '@penstock/core/provider';
import type { Snapshotter } from '@penstock/core/snapshot';
import { resolveSettings, withSettings, type ConfiguredEndpoint } from '@penstock/runtime/configuration-file';
import type { Environment } from '@penstock/runtime/env';
import { providerEffects, type AroundExchange } from '@penstock/runtime/http-exchange';

/** How the payments of an account are asked about. */
export interface AccountSnapshots {
  /** In whose name the answer is stored. */
  readonly endpoint: string;
  readonly provider: Provider;
  /** Null where the provider cannot be asked, or no endpoint of the account has credentials to ask with. */
  readonly ask: Snapshotter | null;
}

/** A GET that failed in transit is worth two more; the conflict's own attempts come after that. */
const RETRIES_MAX = 2;

/**
 * By account. What is missing to ask with keeps no worker from starting: it is
 * told where somebody asks.
 */
export function openSnapshotters(
  configuration: { readonly endpoints: ReadonlyMap<string, Omit<ConfiguredEndpoint, 'retry' | 'rateLimit'>> },
  options: {
    readonly production: boolean;
    readonly environment: Environment;
    /** Each request is made within it. */
    readonly around?: AroundExchange;
  },
): ReadonlyMap<string, AccountSnapshots> {
  const effects = providerEffects({ ...options, retriesMax: RETRIES_MAX });
  const open = new Map<string, AccountSnapshots>();
  for (const endpoint of configuration.endpoints.values()) {
    const { name, account, provider } = endpoint;
    if (open.get(account)?.ask != null) continue;
    const { snapshots } = provider;
    const resolved =
      snapshots === undefined ? null : resolveSettings(withSettings(endpoint, snapshots.settings), options.environment);
    const usable = snapshots !== undefined && resolved !== null && resolved.problems.length === 0;
    const create = () => (usable ? snapshots.createSnapshotter(resolved.settings, effects) : null);
    open.set(account, { endpoint: name, provider, ask: nullWhereUnconfigured(create) });
  }
  return open;
}

function nullWhereUnconfigured(create: () => Snapshotter | null): Snapshotter | null {
  try {
    return create();
  } catch (error) {
    if (error instanceof ConfigurationError) return null;
    throw error;
  }
}
