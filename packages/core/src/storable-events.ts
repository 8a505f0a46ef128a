import { saidOfItself } from './delivery.ts';
import type { Verification, VerifiedEvent } from './verification.ts';

/**
 * What a provider's schema lets through and neither queue nor ledger can hold
 * makes a genuine request malformed: it is kept as it came and refused, where it
 * would be acknowledged and then never be stored. Names paths, never values.
 */
export function refuseUnstorable(verification: Verification): Verification {
  if (verification.kind !== 'verified') return verification;
  const paths = new Set(verification.events.flatMap(unstorablePaths));
  if (paths.size === 0) return verification;
  const { tier, keyId, transmissionId } = verification;
  const reason = `what the event says of itself cannot be stored: ${[...paths].join(', ')}`;
  return { kind: 'malformed', tier, keyId, transmissionId, reason };
}

function unstorablePaths({ eventId, type, occurredAt, apiVersion, providerAccount }: VerifiedEvent): string[] {
  const said = {
    // Where there is none, the body's hash stands in.
    eventId: eventId ?? 'sha256',
    type,
    occurredAt: occurredAt === null ? null : isoOf(occurredAt),
    apiVersion,
    providerAccount,
  };
  const parsed = saidOfItself.safeParse(said);
  const wrong = parsed.success ? [] : parsed.error.issues.map(({ path }) => String(path[0] ?? ''));
  // PostgreSQL's jsonb refuses half a surrogate pair, and its text would hold another character.
  const broken = Object.entries(said).flatMap(([name, text]) => (text?.isWellFormed() === false ? [name] : []));
  return [...wrong, ...broken];
}

function isoOf(time: Date): string {
  return Number.isNaN(time.getTime()) ? 'no time' : time.toISOString();
}
