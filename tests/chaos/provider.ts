import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { signStripeRequest } from '@penstock/core/providers/stripe/sign';
import type { PayPalSimulator } from '@penstock/start/paypal-simulator';
import { until } from '../harness/until.ts';
import type { ChaosEvent } from './lives.ts';

/** How an event stands with its provider. */
export interface SentEvent {
  readonly event: ChaosEvent;
  acknowledged: boolean;
}

/**
 * Sends events as Stripe and PayPal do, and is the oracle of what was promised:
 * a 2xx is an acknowledgement; anything else, or no answer in time, is tried
 * again later, the same event signed anew.
 */
export interface Provider {
  readonly sent: ReadonlyMap<string, SentEvent>;
  readonly counts: () => {
    readonly deliveries: number;
    readonly acknowledged: number;
    readonly refused: number;
    readonly unanswered: number;
  };
  /** Resolves once the event is acknowledged, or the run is over. */
  readonly send: (event: ChaosEvent, options?: { readonly ingest?: number }) => Promise<void>;
  /** One more delivery of an event sent before, by a provider that is not sure, or an operator who asks for it. */
  readonly sendAgain: (event: ChaosEvent) => Promise<boolean>;
  /** Nothing is sent until `resume`; resolves once no request is under way. */
  readonly pause: () => Promise<void>;
  readonly resume: () => void;
  /** First deliveries wait, and leave in the opposite order when the returned function is called. */
  readonly holdBack: () => () => void;
}

/** Stripe waits longer; faults here last seconds, not minutes. */
const ANSWER_MS = 4_000;

/**
 * Requests at once. Real providers wait hours before they try again; these wait
 * seconds, and without a bound the retries of an outage would be an overload
 * that keeps itself going.
 */
const UNDER_WAY_MAX = 24;

/** Hours at Stripe; the shape is kept: each wait about twice the last. */
const RETRY_MS = { first: 250, most: 16_000 };

export interface ProviderOptions {
  /** By ingest: where it listens. */
  readonly urls: readonly string[];
  readonly stripeSecret: string;
  readonly paypalWebhookId: string;
  readonly paypal: PayPalSimulator;
  readonly signal: AbortSignal;
}

export function createProvider(options: ProviderOptions): Provider {
  const sent = new Map<string, SentEvent>();
  const tally = { deliveries: 0, acknowledged: 0, refused: 0, unanswered: 0 };
  const agent = new Agent({ keepAlive: true, maxSockets: UNDER_WAY_MAX });
  const gate = createGate();
  let turn = 0;
  let heldBack: (() => void)[] | null = null;
  options.signal.addEventListener('abort', () => {
    agent.destroy();
    gate.resume();
  });
  const deliver = async (event: ChaosEvent, ingest: number | undefined): Promise<boolean> => {
    await gate.enter();
    turn += 1;
    const url = options.urls[(ingest ?? turn) % options.urls.length] ?? '';
    tally.deliveries += 1;
    try {
      const status = await post(`${url}/webhooks/${event.endpoint}`, {
        body: event.body,
        headers: sign(event, options),
        agent,
      });
      const taken = status >= 200 && status < 300;
      if (!taken) tally.refused += 1;
      const known = sent.get(event.id);
      if (taken && known !== undefined && !known.acknowledged) {
        known.acknowledged = true;
        tally.acknowledged += 1;
      }
      return taken;
    } catch {
      tally.unanswered += 1;
      return false;
    } finally {
      gate.leave();
    }
  };
  return {
    sent,
    counts: () => tally,
    send: async (event, { ingest } = {}) => {
      sent.set(event.id, { event, acknowledged: false });
      if (heldBack !== null) await new Promise<void>((go) => heldBack?.push(go));
      for (let waitMs = RETRY_MS.first; !options.signal.aborted; waitMs = Math.min(waitMs * 2, RETRY_MS.most)) {
        if (await deliver(event, ingest)) return;
        await sleep(waitMs * (0.75 + Math.random() / 2), undefined, { signal: options.signal }).catch(() => undefined);
      }
    },
    sendAgain: (event) => deliver(event, undefined),
    pause: gate.pause,
    resume: gate.resume,
    holdBack: () => {
      const held: (() => void)[] = [];
      heldBack = held;
      return () => {
        heldBack = null;
        for (const go of held.toReversed()) go();
      };
    },
  };
}

/** Lets so many in at once, and nobody while it is closed. */
function createGate() {
  let open = Promise.withResolvers<void>();
  let closed = false;
  let inside = 0;
  return {
    enter: async (): Promise<void> => {
      for (;;) {
        if (closed) await open.promise;
        else if (inside >= UNDER_WAY_MAX) await sleep(20);
        else break;
      }
      inside += 1;
    },
    leave: (): void => {
      inside -= 1;
    },
    /** Resolves once nobody is inside any more. */
    pause: async (): Promise<void> => {
      if (!closed) open = Promise.withResolvers();
      closed = true;
      await until(() => inside === 0, { what: 'what the provider has under way to end' });
    },
    resume: (): void => {
      closed = false;
      open.resolve();
    },
  };
}

function sign(event: ChaosEvent, options: ProviderOptions): Readonly<Record<string, string>> {
  const sentAt = new Date();
  return event.endpoint === 'stripe'
    ? signStripeRequest({ body: event.body, secrets: [options.stripeSecret], signedAt: sentAt })
    : options.paypal.sign({ body: event.body, webhookId: options.paypalWebhookId, sentAt });
}

function post(
  url: string,
  given: { readonly body: Buffer; readonly headers: Readonly<Record<string, string>>; readonly agent: Agent },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const sending = request(url, {
      method: 'POST',
      agent: given.agent,
      headers: { ...given.headers, 'content-length': given.body.length },
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    sending.on('error', reject);
    sending.on('response', (response) => {
      response.on('error', reject);
      response.on('end', () => resolve(response.statusCode ?? 0));
      response.resume();
    });
    sending.end(given.body);
  });
}
