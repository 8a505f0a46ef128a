import { CANARY_ENDPOINT } from '@penstock/core/canary';
import { signStandardWebhooksRequest } from '@penstock/core/providers/standard-webhooks/sign';
import type { LedgerDatabase } from '@penstock/db/database';
import { findState } from '@penstock/db/ledger';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** How one canary fared. */
export type CanaryFlight =
  | { readonly kind: 'arrived'; readonly eventId: string; readonly roundTripMs: number }
  | { readonly kind: 'lost'; readonly eventId: string; readonly reason: string };

/** How often one is sent. */
export const CANARY_EVERY_MS = 60_000;

/** What the objective gives every event; a canary that takes longer is lost. */
const ARRIVAL_MS_MAX = 30_000;

const LOOK_MS = 250;

/** Nobody who is there takes longer to accept. */
const CONNECT_MS_MAX = 2_000;

/** What a canary needs of the world. */
export interface CanaryWorld {
  readonly db: LedgerDatabase;
  /** The public address of the endpoint `canary`, as a provider would use it. */
  readonly url: string;
  readonly secret: string;
  readonly now: () => Date;
  readonly newId: () => string;
  readonly stopping: AbortSignal;
}

/**
 * Sends one event of our own through the public port, signed as a provider
 * would sign it, and waits for its row to be finished: everything between the
 * load balancer and the ledger is at work, or this says that it is not. Never rejects.
 */
export async function sendCanary(world: CanaryWorld): Promise<CanaryFlight> {
  const eventId = `canary_${world.newId()}`;
  const started = performance.now();
  try {
    const status = await post(eventId, world);
    if (status !== 200) return { kind: 'lost', eventId, reason: `answered ${status}` };
    while (performance.now() - started < ARRIVAL_MS_MAX && !world.stopping.aborted) {
      const state = await findState(world.db, { account: CANARY_ENDPOINT, eventId });
      if (state === 'processed' || state === 'ignored')
        return { kind: 'arrived', eventId, roundTripMs: performance.now() - started };
      if (state === 'dead') return { kind: 'lost', eventId, reason: 'it is a dead letter' };
      await delay(LOOK_MS, undefined, { signal: world.stopping }).catch(() => undefined);
    }
    return { kind: 'lost', eventId, reason: 'it was accepted and not processed in time' };
  } catch (error) {
    return { kind: 'lost', eventId, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Resolves once somebody takes connections at the address, or after as long as a canary may take. Never rejects. */
export async function ingestListens(url: string, stopping: AbortSignal): Promise<void> {
  const { hostname, port, protocol } = new URL(url);
  const at = { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (protocol === 'https:' ? 443 : 80) };
  const started = performance.now();
  while (performance.now() - started < ARRIVAL_MS_MAX && !stopping.aborted) {
    if (await takesConnections(at)) return;
    await delay(LOOK_MS, undefined, { signal: stopping }).catch(() => undefined);
  }
}

async function takesConnections(at: { readonly host: string; readonly port: number }): Promise<boolean> {
  const socket = connect({ ...at, timeout: CONNECT_MS_MAX });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('connect', () => resolve(true));
  for (const failure of ['error', 'timeout']) socket.once(failure, () => resolve(false));
  const answer = await promise;
  socket.destroy();
  return answer;
}

async function post(eventId: string, { url, secret, now, stopping }: CanaryWorld): Promise<number> {
  const sentAt = now();
  const body = Buffer.from(JSON.stringify({ type: 'canary.sent', timestamp: sentAt.toISOString(), data: {} }));
  const headers = signStandardWebhooksRequest({
    body,
    secrets: [secret],
    id: eventId,
    signedAt: sentAt,
    family: 'webhook',
  });
  const signal = AbortSignal.any([stopping, AbortSignal.timeout(ARRIVAL_MS_MAX)]);
  const response = await fetch(url, { method: 'POST', headers, body: new Uint8Array(body), redirect: 'error', signal });
  await response.body?.cancel();
  return response.status;
}
