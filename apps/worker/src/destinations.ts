import { circuitBreaker, ConsecutiveBreaker, handleType, type IPolicy } from 'cockatiel';
import * as z from 'zod';
import { ConfigurationError } from '@penstock/core/failure';
import { addressGuard, type AddressGuard } from '@penstock/runtime/address-guard';
import { resolveSettings, type ConfiguredDestination } from '@penstock/runtime/configuration-file';
import type { Environment } from '@penstock/runtime/env';
import { openTurns, type Turns } from './destination-turns.ts';

/** A destination that can be sent to: its URL and secrets are known. */
export interface OpenDestination {
  readonly name: string;
  readonly url: URL;
  readonly secrets: readonly string[];
  readonly shape: 'canonical' | 'raw';
  readonly timeoutMs: number;
  readonly attempts: number;
  readonly retryMs: number;
  readonly guard: AddressGuard;
  readonly turns: Turns;
  /** Fails at once while the destination is left alone, which it is for `openMs`. */
  readonly breaker: IPolicy;
  readonly openMs: number;
}

/** What a destination answered other than 2xx, for the breaker to count. */
export class DeliveryFailed extends Error {
  override name = 'DeliveryFailed';
}

/** Failures in a row after which a destination is left alone. */
const FAILURES_IN_A_ROW_MAX = 10;

/** It is left alone for as long as a message would wait after its fourth failure, at most so long. */
const OPEN_MS_MAX = 30_000;

/** Opens every destination. Throws ConfigurationError listing the problems of all. */
export function openDestinations(
  configured: ReadonlyMap<string, ConfiguredDestination>,
  environment: Environment,
): ReadonlyMap<string, OpenDestination> {
  const problems: string[] = [];
  const open = new Map<string, OpenDestination>();
  for (const [name, destination] of configured) {
    const { url, secrets } = destination;
    const settings = { url, secrets };
    const resolved = resolveSettings({ name, settings, kind: 'destination' }, environment);
    problems.push(...resolved.problems);
    if (resolved.problems.length > 0) continue;
    const parsed = sendable(destination).safeParse(resolved.settings);
    if (!parsed.success) {
      problems.push(
        ...parsed.error.issues.map((issue) => `destination ${name}: ${issue.path.join('.')} ${issue.message}`),
      );
      continue;
    }
    try {
      open.set(name, openOne(name, destination, parsed.data));
    } catch (error) {
      if (!(error instanceof ConfigurationError)) throw error;
      problems.push(...error.problems.map((problem) => `destination ${name}: ${problem}`));
    }
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return open;
}

const secret = z
  .string({ error: 'must be text' })
  .regex(/^wh(sec|sk)_[A-Za-z0-9+/]{22,}={0,2}$/, 'must be whsec_ or whsk_ and base64 (Standard Webhooks)');

function sendable({ allowPrivate }: ConfiguredDestination) {
  return z.object({
    url: z
      .string({ error: 'must be text' })
      .refine((text) => URL.canParse(text), 'must be a URL')
      .transform((text) => new URL(text))
      .refine((url) => url.username === '' && url.password === '', 'must not hold a user or a password')
      .refine(
        (url) => url.protocol === 'https:' || (url.protocol === 'http:' && allowPrivate !== false),
        'must be https, unless allowPrivate says that it is within your own network',
      ),
    secrets: z.array(secret).min(1).max(10),
  });
}

function openOne(
  name: string,
  destination: ConfiguredDestination,
  found: { readonly url: URL; readonly secrets: readonly string[] },
): OpenDestination {
  const { shape, timeoutMs, attempts, retryMs, allowPrivate, concurrency, perSecond } = destination;
  const openMs = Math.min(8 * retryMs, OPEN_MS_MAX);
  return {
    name,
    ...found,
    shape,
    timeoutMs,
    attempts,
    retryMs,
    guard: addressGuard(allowPrivate),
    openMs,
    breaker: circuitBreaker(handleType(DeliveryFailed), {
      halfOpenAfter: openMs,
      breaker: new ConsecutiveBreaker(FAILURES_IN_A_ROW_MAX),
    }),
    turns: openTurns({ concurrency, perSecond }),
  };
}
