import * as z from 'zod';
import type { EndpointSetting } from './configuration.ts';
import { covers, type HandlerPattern } from './handler.ts';
import type { CanonicalType } from './payment-event.ts';

/**
 * One of the user's own services that is told of events, as written in
 * penstock.config.ts. What it is sent is signed by Standard Webhooks.
 */
export interface Destination {
  /** https, unless `allowPrivate` says that it is inside one's own network. */
  readonly url: EndpointSetting;
  /** Signing secrets, newest first; each signs. `whsec_…` (HMAC) or `whsk_…` (ed25519). */
  readonly secrets: readonly EndpointSetting[];
  /** Which events: canonical types, `stripe:charge.*`, `*`; none where absent. */
  readonly events?: readonly HandlerPattern[];
  /** Which of the handlers' own messages, by topic; none where absent. */
  readonly topics?: readonly string[];
  /** Only events of these endpoints, or accounts; all where absent. */
  readonly endpoints?: readonly string[];
  readonly accounts?: readonly string[];
  /** Only events whose payload has this value at each of these paths, e.g. `{ 'data.object.currency': 'eur' }`. */
  readonly where?: Readonly<Record<string, string | number | boolean>>;
  /** `canonical` by default; `raw` sends the provider's exact bytes. */
  readonly shape?: 'canonical' | 'raw';
  /** How long one delivery may take. Default 10,000. */
  readonly timeoutMs?: number;
  /** How many deliveries are under way at once, in one process. Default 4. */
  readonly concurrency?: number;
  /** How many deliveries begin in a second, in one process; no limit where absent. */
  readonly perSecond?: number;
  /** `payment`: what concerns a payment waits for what concerned it before. */
  readonly order?: 'payment';
  /** How often it is tried in all. Default 12: for about a day. */
  readonly attempts?: number;
  /** The first pause after a failure; each next one is twice as long, up to six hours. Default 5,000. */
  readonly retryMs?: number;
  /** Private, loopback and link-local addresses: refused, unless this says true, or lists their networks. */
  readonly allowPrivate?: boolean | readonly string[];
}

const words = z.array(z.string().min(1).max(128)).max(100);
const cidr = z.string().regex(/^[0-9a-fA-F.:]+\/\d{1,3}$/, 'must be a network such as 10.0.0.0/8');

/** The part of a destination that every process can check; URL and secrets are looked up where it is used. */
export const destinationSchema = z.strictObject({
  url: z.custom<EndpointSetting>((value) => value !== undefined, 'is required'),
  secrets: z.array(z.custom<EndpointSetting>()).min(1, 'must name at least one signing secret').max(10),
  events: words.optional(),
  topics: words.optional(),
  endpoints: words.optional(),
  accounts: words.optional(),
  where: z
    .record(
      z.string().regex(/^[\w-]+(\.[\w-]+){0,15}$/, 'must be a path such as data.object.currency'),
      z.union([z.string(), z.number(), z.boolean()]),
    )
    .optional(),
  shape: z.enum(['canonical', 'raw']).default('canonical'),
  timeoutMs: z.int().min(100).max(60_000).default(10_000),
  concurrency: z.int().min(1).max(100).default(4),
  perSecond: z.number().min(0.01).max(10_000).optional(),
  order: z.literal('payment').optional(),
  attempts: z.int().min(1).max(50).default(12),
  retryMs: z.int().min(10).max(3_600_000).default(5_000),
  allowPrivate: z.union([z.boolean(), z.array(cidr).max(50)]).default(false),
});

/** A destination as far as it decides what is sent. */
export type DestinationFilter = Pick<
  z.output<typeof destinationSchema>,
  'events' | 'topics' | 'endpoints' | 'accounts' | 'where'
>;

/** What a filter looks at. */
export interface FilteredEvent {
  readonly provider: string;
  readonly type: string;
  readonly canonicalTypes: readonly CanonicalType[];
  readonly endpoint: string;
  readonly account: string;
  /** Parsed only where a filter looks into it. */
  readonly payload: () => unknown;
}

/** Whether an event is sent there. */
export function wantsEvent(filter: DestinationFilter, event: FilteredEvent): boolean {
  const { events = [], endpoints, accounts, where = {} } = filter;
  if (!events.some((pattern) => covers(pattern, event))) return false;
  if (endpoints !== undefined && !endpoints.includes(event.endpoint)) return false;
  if (accounts !== undefined && !accounts.includes(event.account)) return false;
  const conditions = Object.entries(where);
  if (conditions.length === 0) return true;
  const payload = event.payload();
  return conditions.every(([path, value]) => valueAt(payload, path.split('.')) === value);
}

/** Whether a handler's message is sent there. */
export function wantsTopic(filter: DestinationFilter, topic: string): boolean {
  return filter.topics?.includes(topic) === true;
}

function valueAt(value: unknown, [key, ...rest]: readonly string[]): unknown {
  if (key === undefined) return value;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return valueAt(Object.entries(value).find(([name]) => name === key)?.[1], rest);
}
