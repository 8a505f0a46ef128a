import { ConfigurationError } from '@penstock/core/failure';
import type { ProcessScope } from '@penstock/runtime/lifecycle';
import type { createWorkerEvents } from './events.ts';
import { repeat } from './repeat.ts';
import { CANARY_EVERY_MS, ingestListens, sendCanary, type CanaryWorld } from './send-canary.ts';

/** Sends a canary every minute where an address is given. Throws ConfigurationError where it lacks its secret. */
export function startCanary(
  options: Omit<CanaryWorld, 'url' | 'secret' | 'stopping'> & {
    readonly url: string | undefined;
    readonly secret: string | undefined;
    readonly events: Pick<ReturnType<typeof createWorkerEvents>, 'canaryBegins' | 'canaryFlew' | 'canaryFailed'>;
  },
  scope: Pick<ProcessScope, 'resources' | 'stopping'>,
): void {
  const { url, secret, events, ...world } = options;
  if (url === undefined) return;
  if (secret === undefined) throw new ConfigurationError(['CANARY_SECRET is missing, and CANARY_URL needs it']);
  events.canaryBegins(world.now());
  // A system that is started begins with its workers.
  const listens = ingestListens(url, scope.stopping);
  scope.resources.use(
    repeat({
      everyMs: CANARY_EVERY_MS,
      onError: events.canaryFailed,
      task: async () => {
        await listens;
        const flight = await sendCanary({ ...world, url, secret, stopping: scope.stopping });
        if (!scope.stopping.aborted) events.canaryFlew(flight, world.now());
      },
    }),
  );
}
