import type { ProviderEffects, Verifier } from '../../provider.ts';
import { rejected, type Rejection, type Verification } from '../../verification.ts';
import type { RequestHead } from '../../signed-request.ts';
import { createAuthentication } from './authentication.ts';
import { readEnvelope } from './envelope.ts';
import { readPayPalSettings } from './settings.ts';
import { readTransmission, type Transmission } from './transmission.ts';

/**
 * Builds the verifier of one PayPal endpoint. Throws ConfigurationError with
 * every problem of the settings. The verifier itself never throws.
 *
 * Headers first, then the signature over the raw bytes, then the time window, and
 * only then is the body read. PayPal's signature covers a CRC32 of the body, so
 * what it verifies is `partial`: whoever holds one delivery's headers can make
 * other bodies for them. The transmission id is therefore always named, for the
 * ledger to bind to one body.
 */
export function createPayPalVerifier(settings: unknown, effects: ProviderEffects): Verifier {
  const { environment, toleranceMs, webhookId, mode } = readPayPalSettings(settings, effects);
  const { algorithm, authenticate } = createAuthentication({ environment, webhookId, mode, effects });
  const verify: Verifier = async (request, receivedAt) => {
    const reading = readTransmission(request, algorithm);
    if (reading.kind === 'rejected') return reading;
    const { transmission } = reading;
    const authenticity = await authenticate({ request, transmission, receivedAt });
    if (authenticity.kind !== 'authentic') return authenticity;
    const stale = findStaleness({ transmission, receivedAt, toleranceMs });
    if (stale !== null) return stale;
    const { tier, keyId } = authenticity;
    const envelope = readEnvelope(request.body, environment);
    if (envelope.kind === 'malformed')
      return { kind: 'malformed', tier, keyId, transmissionId: transmission.id, reason: envelope.reason };
    return { kind: 'verified', tier, keyId, events: [envelope.event], transmissionId: transmission.id };
  };
  const refuse = (head: RequestHead): Rejection | null => {
    const reading = readTransmission(head, algorithm);
    return reading.kind === 'rejected' ? reading : null;
  };
  return Object.assign(verify, { refuse });
}

/** PayPal's clock and ours may differ by minutes; the long window is for retries, which only ever make a delivery older. */
const FUTURE_TOLERANCE_MS = 300_000;

function findStaleness({
  transmission,
  receivedAt,
  toleranceMs,
}: {
  readonly transmission: Transmission;
  readonly receivedAt: Date;
  readonly toleranceMs: number;
}): Verification | null {
  const ageMs = receivedAt.getTime() - transmission.time.getTime();
  if (ageMs > toleranceMs)
    return rejected(
      'signature_stale',
      `the delivery was sent ${Math.round(ageMs / 1_000)} s ago; ${toleranceMs / 1_000} s are accepted`,
    );
  if (-ageMs > FUTURE_TOLERANCE_MS)
    return rejected(
      'signature_stale',
      `the delivery was sent ${Math.round(-ageMs / 1_000)} s in the future; ${FUTURE_TOLERANCE_MS / 1_000} s are accepted`,
    );
  return null;
}
