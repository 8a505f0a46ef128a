import type { LoadedConfiguration } from '@penstock/runtime/configuration-file';
import type { ProcessScope } from '@penstock/runtime/lifecycle';
import type { Environment } from '@penstock/runtime/env';
import type { WorkerConfig } from './config.ts';
import type { createWorkerEvents } from './events.ts';
import { automaticKinds, fetchConflicts, type FetchWorld } from './fetch-conflicts.ts';
import { repeat } from './repeat.ts';
import { openSnapshotters } from './snapshotters.ts';

/** Looks at conflicts that are to be fetched, again and again, until the scope closes. */
export function startFetching(
  options: Pick<FetchWorld, 'db' | 'queue' | 'now' | 'newId'> & {
    readonly configuration: Pick<LoadedConfiguration<never>, 'endpoints'>;
    readonly config: Pick<WorkerConfig, 'environment' | 'fetchMs' | 'fetchGraceMs' | 'fetchAutomatically'>;
    readonly environment: Environment;
    readonly events: Pick<
      ReturnType<typeof createWorkerEvents>,
      'asking' | 'fetching' | 'conflictFetched' | 'fetchFailed'
    >;
  },
  scope: ProcessScope,
): void {
  const { configuration, config, environment, events, ...world } = options;
  const snapshotters = openSnapshotters(configuration, {
    production: config.environment === 'production',
    environment,
    around: events.asking,
  });
  const automatic = automaticKinds[config.fetchAutomatically];
  scope.resources.use(
    repeat({
      everyMs: config.fetchMs,
      onError: events.fetchFailed,
      task: async () => {
        const asked = { ...world, snapshotters, automatic, graceMs: config.fetchGraceMs, around: events.fetching };
        for (const fetched of await fetchConflicts(asked)) events.conflictFetched(fetched);
      },
    }),
  );
}
