import * as z from 'zod';
import { ConfigurationError } from '../../failure.ts';
import { loopbackOrigin } from '../../loopback-origin.ts';
import { liveEnvironment, sandboxEnvironment, simulatorEnvironment, type PayPalEnvironment } from './environment.ts';

/** Three days of PayPal's retries and an hour: whether a retry renews its time is not documented. */
const TOLERANCE_SECONDS_DEFAULT = 3 * 86_400 + 3_600;

/** A month: older deliveries are replayed from the ledger, not received again. */
const TOLERANCE_SECONDS_MAX = 30 * 86_400;

const environment = z.union([z.enum(['live', 'sandbox']), z.strictObject({ simulator: loopbackOrigin })], {
  error: 'must be live, sandbox or { simulator: an origin on the loopback interface }',
});

const mode = z.enum(['offline', 'postback', 'offline-then-postback', 'demo-hmac'], {
  error: 'must be offline, postback, offline-then-postback or demo-hmac',
});

/**
 * Which events are fetched from PayPal before they are acted upon: all, those
 * that say something about payments, or none. What is not fetched is believed
 * for its checksum, and binds its transmission: a forgery of it uses up the
 * headers of a genuine event that has not come yet.
 */
const confirm = z.enum(['always', 'money', 'never'], { error: 'must be always, money or never' });

/** A colon would end the user name of Basic authentication early. */
const clientIdText = z
  .string({ error: 'must be text' })
  .regex(/^[\x21-\x39\x3b-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters without spaces or colons');
const clientSecretText = z
  .string({ error: 'must be text' })
  .regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters without spaces');
const demoSecretText = z
  .string({ error: 'must be text' })
  .min(16, 'must be at least 16 characters')
  .max(255, 'must be at most 255 characters');

/** The settings of one PayPal endpoint, as an operator writes them. Rules across fields are in {@link readPayPalSettings}. */
const paypalSettings = z.strictObject({
  webhookId: z
    .string({ error: 'is required' })
    .regex(/^[A-Za-z0-9]{1,50}$/, 'must be 1 to 50 letters and digits')
    .describe('The webhook id shown in the PayPal dashboard; it is part of what PayPal signs and is in no request.'),
  environment: environment.describe('Which PayPal signs: live, sandbox, or a loopback stand-in (never in production).'),
  mode: mode
    .optional()
    .describe('How a delivery is verified. Default: offline-then-postback with credentials, else offline.'),
  clientId: clientIdText.optional().describe('The REST app the postback is authorised as.'),
  clientSecret: clientSecretText.optional().describe('The secret of that app. Secret.'),
  confirm: confirm
    .optional()
    .describe('Which events are fetched from PayPal before they are acted upon. Default: always. The worker does it.'),
  demoSecret: demoSecretText.optional().describe('The key of demo-hmac (never in production). Secret.'),
  toleranceSeconds: z
    .int({ error: 'must be a whole number of seconds' })
    .min(1, 'must be at least 1')
    .max(TOLERANCE_SECONDS_MAX, `must be at most ${TOLERANCE_SECONDS_MAX}`)
    .default(TOLERANCE_SECONDS_DEFAULT)
    .describe('How long after its transmission time a delivery is still accepted.'),
});

export interface PayPalCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

/** How deliveries are verified, with what that way needs. */
export type VerificationMode =
  | { readonly kind: 'offline' }
  | { readonly kind: 'postback'; readonly credentials: PayPalCredentials }
  | { readonly kind: 'offline-then-postback'; readonly credentials: PayPalCredentials }
  | { readonly kind: 'demo-hmac'; readonly secret: string };

/** Settings that can work. */
export interface PayPalSettings {
  readonly webhookId: string;
  readonly environment: PayPalEnvironment;
  readonly mode: VerificationMode;
  readonly toleranceMs: number;
}

/**
 * Reads an endpoint's settings. Throws one ConfigurationError with every problem,
 * across fields too; no problem repeats a value, so none repeats a secret.
 */
export function readPayPalSettings(
  settings: unknown,
  { production }: { readonly production: boolean },
): PayPalSettings {
  const parsed = paypalSettings.safeParse(settings);
  const readable = readableSettings.parse(settings);
  const chosen = chooseMode(readable);
  const problems = [
    ...(parsed.error?.issues ?? []).map(describeIssue),
    ...(chosen.kind === 'impossible' ? chosen.problems : []),
    ...(production ? productionProblems(readable) : []),
  ];
  if (!parsed.success || chosen.kind === 'impossible' || problems.length > 0) throw new ConfigurationError(problems);
  return {
    webhookId: parsed.data.webhookId,
    environment: environmentOf(parsed.data.environment),
    mode: chosen.mode,
    toleranceMs: parsed.data.toleranceSeconds * 1_000,
  };
}

/** How an endpoint's events are confirmed, with what that takes. */
export interface PayPalConfirmSettings {
  readonly environment: PayPalEnvironment;
  readonly confirm:
    | { readonly kind: 'always' | 'money'; readonly credentials: PayPalCredentials }
    | { readonly kind: 'never' };
}

const confirmSettings = paypalSettings.pick({
  environment: true,
  mode: true,
  clientId: true,
  clientSecret: true,
  confirm: true,
});

/**
 * Reads what a worker needs to ask PayPal about events. Throws one
 * ConfigurationError with every problem; no problem repeats a value.
 */
export function readConfirmSettings(
  settings: unknown,
  { production }: { readonly production: boolean },
): PayPalConfirmSettings {
  const parsed = confirmSettings.safeParse(settings);
  if (!parsed.success) throw new ConfigurationError(parsed.error.issues.map(describeIssue));
  const { clientId, clientSecret, mode: verification, confirm: wanted = 'always' } = parsed.data;
  const problems = production ? productionProblems(parsed.data) : [];
  if (problems.length > 0) throw new ConfigurationError(problems);
  const world = environmentOf(parsed.data.environment);
  // The demonstration's signature covers the whole body.
  if (wanted === 'never' || verification === 'demo-hmac') return { environment: world, confirm: { kind: 'never' } };
  if (clientId !== undefined && clientSecret !== undefined)
    return { environment: world, confirm: { kind: wanted, credentials: { clientId, clientSecret } } };
  throw new ConfigurationError([
    "clientId and clientSecret are required: PayPal's signature proves only a checksum of the body, so events are fetched from PayPal before they are acted upon; set confirm to never to act on the checksum alone",
  ]);
}

/** What asking PayPal how a payment stands takes; null without credentials. */
export function readSnapshotAccess(
  settings: unknown,
  { production }: { readonly production: boolean },
): { readonly environment: PayPalEnvironment; readonly credentials: PayPalCredentials } | null {
  const parsed = confirmSettings.safeParse(settings);
  if (!parsed.success) throw new ConfigurationError(parsed.error.issues.map(describeIssue));
  const problems = production ? productionProblems(parsed.data) : [];
  if (problems.length > 0) throw new ConfigurationError(problems);
  const { clientId, clientSecret } = parsed.data;
  if (clientId === undefined || clientSecret === undefined) return null;
  return { environment: environmentOf(parsed.data.environment), credentials: { clientId, clientSecret } };
}

/**
 * What can be read of settings that may be wrong elsewhere, so that rules across
 * fields are checked beside the rules of each field. A field that is present but
 * wrong reads as empty: it is reported once, by its own rule.
 */
const readableSettings = z
  .object({
    environment: environment.optional().catch(undefined),
    mode: mode.optional().catch(undefined),
    clientId: clientIdText.optional().catch(''),
    clientSecret: clientSecretText.optional().catch(''),
    demoSecret: demoSecretText.optional().catch(''),
  })
  .catch({ environment: undefined, mode: 'offline' });

type ReadableSettings = z.infer<typeof readableSettings>;

type ModeChoice =
  | { readonly kind: 'chosen'; readonly mode: VerificationMode }
  | { readonly kind: 'impossible'; readonly problems: readonly string[] };

function chooseMode(readable: ReadableSettings): ModeChoice {
  const hasCredentials = readable.clientId !== undefined || readable.clientSecret !== undefined;
  const kind = readable.mode ?? (hasCredentials ? 'offline-then-postback' : 'offline');
  switch (kind) {
    case 'offline':
      return { kind: 'chosen', mode: { kind } };
    case 'demo-hmac':
      if (readable.demoSecret === undefined)
        return { kind: 'impossible', problems: ['demoSecret is required in mode demo-hmac'] };
      return { kind: 'chosen', mode: { kind, secret: readable.demoSecret } };
    case 'postback':
    case 'offline-then-postback': {
      const { clientId, clientSecret } = readable;
      if (clientId !== undefined && clientSecret !== undefined)
        return { kind: 'chosen', mode: { kind, credentials: { clientId, clientSecret } } };
      const missing = Object.entries({ clientId, clientSecret }).filter(([, value]) => value === undefined);
      return { kind: 'impossible', problems: missing.map(([name]) => `${name} is required in mode ${kind}`) };
    }
    default:
      return kind satisfies never;
  }
}

function productionProblems(readable: ReadableSettings): readonly string[] {
  const problems: string[] = [];
  if (typeof readable.environment === 'object')
    problems.push(
      'environment: the simulator decides for itself what is genuine and is refused in production; use live or sandbox',
    );
  if (readable.mode === 'demo-hmac')
    problems.push('mode: demo-hmac is not how PayPal signs and is refused in production; use offline-then-postback');
  return problems;
}

function environmentOf(name: z.infer<typeof environment>): PayPalEnvironment {
  switch (name) {
    case 'live':
      return liveEnvironment;
    case 'sandbox':
      return sandboxEnvironment;
    default:
      return simulatorEnvironment(name.simulator);
  }
}

function describeIssue(issue: z.core.$ZodIssue): string {
  return issue.path.length === 0 ? issue.message : `${issue.path.join('.')} ${issue.message}`;
}
