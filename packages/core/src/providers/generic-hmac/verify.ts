import { decodeSignature, hmacVerifier, type HmacScheme, type SignatureReading } from '../../hmac-verifier.ts';
import { digestBytes } from '../../hmac.ts';
import type { Verifier } from '../../provider.ts';
import { parseSettings } from '../../provider-settings.ts';
import { readHeader, type RequestHead } from '../../signed-request.ts';
import { isIdentifier, readGenericEvents } from './events.ts';
import { settingsSchema, type GenericSettings } from './settings.ts';

/**
 * Verifies what the settings describe: an HMAC in a header, over a template of
 * timestamp, body and id. Sources: the schemes it has to be able to write, as
 * the tests do (Stripe, GitHub, Square, Razorpay).
 */
export function createGenericHmacVerifier(settings: unknown): Verifier {
  const parsed = parseSettings(settingsSchema, settings);
  const { secrets, secretEncoding, algorithm, timestamp, parts } = parsed;
  const scheme: HmacScheme = {
    tier: timestamp === undefined ? 'body' : 'full',
    algorithm,
    readSignatures: (request) => readSignatures(request, parsed),
    signedParts: (request, time) =>
      parts.map((part) => {
        if (part.kind === 'text') return part.text;
        if (part.name === 'body') return request.body;
        return (part.name === 'timestamp' ? time : signedId(request, parsed)) ?? '';
      }),
    keyOf: (secret) => Buffer.from(secret, secretEncoding),
    window:
      timestamp === undefined
        ? null
        : {
            toleranceSeconds: timestamp.toleranceSeconds,
            secondsOf: (time) => (timestamp.unit === 's' ? Number(time) : Number(time) / 1000),
          },
    readEvents: (request) => readGenericEvents(request, parsed.event),
  };
  return hmacVerifier(scheme, secrets);
}

/** While keys are rolled a provider sends two; more than this is no provider. */
const SIGNATURES_MAX = 8;

function readSignatures(request: RequestHead, settings: GenericSettings): SignatureReading {
  const { signature, algorithm } = settings;
  const malformed = (reason: string): SignatureReading => ({ kind: 'malformed', reason });
  const header = readHeader(request, signature.header);
  if (header.kind === 'missing') return { kind: 'missing', reason: `the ${signature.header} header is missing` };
  if (header.kind === 'unusable') return malformed(header.reason);

  const elements =
    signature.separator === undefined
      ? [header.value]
      : header.value.split(signature.separator).map((element) => element.trim());
  const bytes = digestBytes[algorithm];
  const signatures = elements
    .filter((element) => element.startsWith(signature.prefix))
    .map((element) => decodeSignature(element.slice(signature.prefix.length), signature.encoding, bytes))
    .filter((decoded) => decoded !== null);
  if (signatures.length === 0)
    return malformed(
      `the ${signature.header} header holds no ${signature.prefix}<${bytes} bytes in ${signature.encoding}>`,
    );
  if (signatures.length > SIGNATURES_MAX)
    return malformed(`the ${signature.header} header holds more than ${SIGNATURES_MAX} signatures`);

  if (signsId(settings) && signedId(request, settings) === null)
    return malformed('the header of the signed id is missing, repeated or not 1 to 255 characters without spaces');
  if (settings.timestamp === undefined) return { kind: 'signatures', signatures, timestamp: null };
  const timestamp = signedTime(request, elements, settings.timestamp);
  return timestamp === null
    ? malformed('the signed time is missing, repeated or not a number')
    : { kind: 'signatures', signatures, timestamp };
}

/** The digits of the signed time, as sent: the signed string holds these very ones. */
function signedTime(
  request: RequestHead,
  elements: readonly string[],
  source: NonNullable<GenericSettings['timestamp']>,
): string | null {
  const found =
    'header' in source
      ? [readHeader(request, source.header)].flatMap((reading) => (reading.kind === 'one' ? [reading.value] : []))
      : elements
          .filter((element) => element.startsWith(source.element))
          .map((element) => element.slice(source.element.length));
  const [time] = found;
  return time !== undefined && found.length === 1 && /^\d{1,15}$/.test(time) ? time : null;
}

function signsId({ parts }: GenericSettings): boolean {
  return parts.some((part) => part.kind === 'placeholder' && part.name === 'id');
}

function signedId(request: RequestHead, { event }: GenericSettings): string | null {
  if (event.id === undefined || !('header' in event.id)) return null;
  const reading = readHeader(request, event.id.header);
  return reading.kind === 'one' && isIdentifier(reading.value) ? reading.value : null;
}
