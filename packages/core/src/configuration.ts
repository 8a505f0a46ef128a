import * as z from 'zod';
import { destinationSchema, type Destination } from './destination.ts';
import type { ErrorReport } from './error-report.ts';
import type { Handler } from './handler.ts';
import { rateLimitSchema } from './rate-limit.ts';
import { retrySchema } from './retry-settings.ts';
import { disputeStatuses, paymentStatuses, payoutStatuses, refundStatuses } from './payment-event.ts';

/** What penstock.config.ts exports: the endpoints that are served and the handlers that run. */
export interface PenstockConfiguration<Tx> {
  /** By name; the name is the last part of the URL, `/webhooks/<name>`. */
  readonly endpoints: Readonly<Record<string, Endpoint>>;
  readonly handlers?: readonly Handler<Tx>[];
  /** By name: the services of one's own that are told of events, signed. */
  readonly destinations?: Readonly<Record<string, Destination>>;
  /** Told of every error line of ingest and workers, masked, sixty a minute at most; what it throws is dropped. */
  readonly reportError?: (report: ErrorReport) => unknown;
}

/** One URL that a provider posts to. Beyond these two, the settings are the provider's own. */
export interface Endpoint {
  /** A provider of providers/registry.ts. */
  readonly provider: string;
  /**
   * Whose events these are; by default the endpoint's name. Two endpoints that
   * receive one account's events name the same account, and an event that
   * arrives at both is applied once.
   */
  readonly account?: string;
  /** How its failed events are tried again; what is left out is as usual. */
  readonly retry?: RetrySettings & { readonly types?: Readonly<Record<string, RetrySettings>> };
  /**
   * How many genuine requests it takes, of all processes together; what comes
   * faster is answered 429. Without it there is no limit, which is what a
   * payment provider deserves: storms wait in the queue (docs/decisions/0025-who-is-let-in.md).
   */
  readonly rateLimit?: { readonly perSecond: number; readonly burst?: number };
  readonly [setting: string]: EndpointSetting | Endpoint['retry'] | Endpoint['rateLimit'] | undefined;
}

/** A pace of retries, as written. */
export interface RetrySettings {
  /** Attempts after the first one: 0 to 25, usually 5. */
  readonly retries?: number;
  /** The wait after the first failure, which each further one doubles; usually 2. */
  readonly baseSeconds?: number;
  /** The longest wait, up to a day; usually 3,600. */
  readonly capSeconds?: number;
}

/** A setting given in place, or to be found in the environment when ingest starts. */
export type EndpointSetting =
  | string
  | number
  | boolean
  | EnvironmentReference
  | readonly EndpointSetting[]
  | { readonly [name: string]: EndpointSetting };

/** A value that lives in the environment. */
export interface EnvironmentReference {
  readonly fromEnvironment: string;
  readonly optional: boolean;
}

/** Types the configuration; `defineConfiguration<LedgerTransaction>({…})`. */
export function defineConfiguration<Tx>(configuration: PenstockConfiguration<Tx>): PenstockConfiguration<Tx> {
  return configuration;
}

/**
 * A setting that is a secret or differs between environments:
 * `fromEnvironment('STRIPE_WEBHOOK_SECRET')`. The variable `NAME_FILE` may name
 * a file that holds it. In a list, as `secrets` is, one variable may hold
 * several values separated by spaces or commas, newest first.
 */
export function fromEnvironment(name: string): EnvironmentReference {
  return { fromEnvironment: name, optional: false };
}

/** As fromEnvironment, but the setting is left out where the variable is unset. */
export function optionalFromEnvironment(name: string): EnvironmentReference {
  return { fromEnvironment: name, optional: true };
}

const environmentReference = z.strictObject({
  fromEnvironment: z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'must be an environment variable name'),
  optional: z.boolean(),
});

const setting: z.ZodType<EndpointSetting> = z.lazy(() =>
  z.union([
    z.string(),
    z.number(),
    z.boolean(),
    environmentReference,
    z.array(setting),
    z.record(z.string(), setting).refine((value) => !('fromEnvironment' in value)),
  ]),
);

/** Names of endpoints and destinations stand in URLs, job ids and metric labels. */
const endpointName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be 1 to 63 lower-case letters, digits and hyphens, starting with a letter');

const subjects: Readonly<Record<string, readonly string[]>> = {
  payment: [...paymentStatuses, 'updated'],
  refund: refundStatuses,
  dispute: [...disputeStatuses, 'updated'],
  payout: payoutStatuses,
};

/** A pattern that no event can match is a slip of the pen, and would never be noticed. */
function canMatch(pattern: string): boolean {
  if (pattern === '*' || /^[a-z0-9-]+:[\x21-\x7e]+$/.test(pattern)) return true;
  const [subject = '', status = ''] = pattern.split('.');
  return Object.hasOwn(subjects, subject) && (status === '*' || subjects[subject]?.includes(status) === true);
}

const handler = z.object({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'must be 1 to 63 lower-case letters, digits and hyphens'),
  version: z.int().min(1, 'must be a whole number from 1').default(1),
  timeoutMs: z.int().min(10).max(600_000, 'must be at most ten minutes').nullable().default(null),
  pattern: z
    .string()
    .refine(canMatch, 'must be a canonical type, <subject>.*, <provider>:<type>, <provider>:<begin>.* or *'),
  run: z.custom<(...arguments_: never[]) => unknown>((value) => typeof value === 'function', 'must be a function'),
});

/** The shape of what a configuration file exports; what the providers make of their settings is theirs to say. */
export const configurationSchema = z.strictObject({
  endpoints: z.record(
    endpointName,
    z
      .object({
        provider: z.string(),
        account: z
          .string()
          .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, _ and -')
          .optional(),
        retry: retrySchema.optional(),
        rateLimit: rateLimitSchema.optional(),
      })
      .catchall(setting),
  ),
  reportError: z
    .custom<(report: ErrorReport) => unknown>((value) => typeof value === 'function', 'must be a function')
    .optional(),
  handlers: z.array(handler).optional(),
  destinations: z.record(endpointName, destinationSchema).optional(),
});
