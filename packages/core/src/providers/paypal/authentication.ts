import { verify } from 'node:crypto';
import { matchingSecret } from '../../hmac.ts';
import type { ProviderEffects } from '../../provider.ts';
import type { SignedRequest } from '../../signed-request.ts';
import type { Rejection, Tier } from '../../verification.ts';
import {
  createCertificateFinder,
  readCertificateUrl,
  type CertificateAddress,
  type FindCertificate,
} from './certificates.ts';
import { createPostback, type AskPayPal } from './postback.ts';
import type { PayPalSettings } from './settings.ts';
import { demoMessage, paypalMessage, type SignedParts } from './signed-message.ts';
import { readCertificateAddress, type AuthAlgorithm, type Transmission } from './transmission.ts';

/** A delivery whose headers are well formed and whose signature is not yet proven. */
export interface Delivery {
  readonly request: SignedRequest;
  readonly transmission: Transmission;
  readonly receivedAt: Date;
}

/** What can be said of a delivery's signature. */
export type Authenticity =
  | { readonly kind: 'authentic'; readonly tier: Tier; readonly keyId: string }
  | Rejection
  | { readonly kind: 'undecided'; readonly reason: string };

export interface Authentication {
  readonly algorithm: AuthAlgorithm;
  /** Never rejects. */
  readonly authenticate: (delivery: Delivery) => Promise<Authenticity>;
}

export type AuthenticationParts = Pick<PayPalSettings, 'webhookId' | 'environment' | 'mode'> & {
  readonly effects: ProviderEffects;
};

/**
 * How one endpoint's signatures are proven.
 *
 * - `offline`: with the certificate the delivery names. One that cannot be fetched
 *   leaves it undecided; one that is not trusted rejects it.
 * - `postback`: by asking PayPal.
 * - `offline-then-postback`: with the certificate where it can be had and is
 *   trusted, and then for good; else by asking PayPal.
 * - `demo-hmac`: with a shared secret.
 *
 * In every mode but the last, a certificate address that is not PayPal's rejects
 * the delivery before anything is fetched or asked.
 */
export function createAuthentication({ webhookId, environment, mode, effects }: AuthenticationParts): Authentication {
  switch (mode.kind) {
    case 'demo-hmac':
      return {
        algorithm: 'HmacSHA256',
        authenticate: async (delivery) => checkDemoHmac({ delivery, webhookId, secret: mode.secret }),
      };
    case 'offline': {
      const find = createCertificateFinder(environment, effects);
      return withCertificate(environment, async (delivery) => {
        const finding = await checkOffline({ delivery, webhookId, find });
        if (finding.kind === 'untrusted')
          return { kind: 'rejected', code: 'certificate_untrusted', reason: finding.reason };
        if (finding.kind === 'unavailable') return { kind: 'undecided', reason: finding.reason };
        return finding;
      });
    }
    case 'postback': {
      const ask = createPostback({ environment, credentials: mode.credentials, effects });
      return withCertificate(environment, async (delivery) => checkByPostback({ delivery, webhookId, ask }));
    }
    case 'offline-then-postback': {
      const find = createCertificateFinder(environment, effects);
      const ask = createPostback({ environment, credentials: mode.credentials, effects });
      return withCertificate(environment, async (delivery) => {
        const finding = await checkOffline({ delivery, webhookId, find });
        if (finding.kind === 'authentic' || finding.kind === 'rejected') return finding;
        const authenticity = await checkByPostback({ delivery, webhookId, ask });
        if (authenticity.kind !== 'undecided') return authenticity;
        return { kind: 'undecided', reason: `${finding.reason}; ${authenticity.reason}` };
      });
    }
    default:
      return mode satisfies never;
  }
}

interface CertifiedDelivery extends Delivery {
  readonly address: CertificateAddress;
}

function withCertificate(
  environment: PayPalSettings['environment'],
  authenticate: (delivery: CertifiedDelivery) => Promise<Authenticity>,
): Authentication {
  return {
    algorithm: 'SHA256withRSA',
    authenticate: async (delivery) => {
      const sent = readCertificateAddress(delivery.request);
      if (sent.kind === 'rejected') return sent;
      const address = readCertificateUrl(sent.value, environment);
      if (address === null)
        return {
          kind: 'rejected',
          code: 'certificate_untrusted',
          reason: 'the paypal-cert-url header is not an address of a PayPal certificate',
        };
      return authenticate({ ...delivery, address });
    },
  };
}

type OfflineFinding =
  | Exclude<Authenticity, { readonly kind: 'undecided' }>
  | { readonly kind: 'untrusted'; readonly reason: string }
  | { readonly kind: 'unavailable'; readonly reason: string };

async function checkOffline({
  delivery,
  webhookId,
  find,
}: {
  readonly delivery: CertifiedDelivery;
  readonly webhookId: string;
  readonly find: FindCertificate;
}): Promise<OfflineFinding> {
  const { address, transmission, receivedAt } = delivery;
  const certificate = await find(address, receivedAt);
  if (certificate.kind !== 'trusted') return certificate;
  const message = Buffer.from(paypalMessage(partsOf(delivery, webhookId)));
  // With an RSA key, Node's default padding is PKCS #1 v1.5, which is what SHA256withRSA names.
  const matches = verify('sha256', message, certificate.publicKey, Buffer.from(transmission.signature, 'base64'));
  return matches
    ? { kind: 'authentic', tier: 'partial', keyId: address.fileName }
    : mismatch('the signature does not match the body, the webhook id and the headers');
}

/** PayPal checks the same signature over the same CRC32, as far as is known: the tier is no better than offline. */
async function checkByPostback({
  delivery,
  webhookId,
  ask,
}: {
  readonly delivery: CertifiedDelivery;
  readonly webhookId: string;
  readonly ask: AskPayPal;
}): Promise<Authenticity> {
  const { address, request, transmission, receivedAt } = delivery;
  const answer = await ask({ transmission, certificateUrl: address.url, webhookId, body: request.body }, receivedAt);
  switch (answer.kind) {
    case 'genuine':
      return { kind: 'authentic', tier: 'partial', keyId: 'postback' };
    case 'forged':
      return mismatch(answer.reason);
    case 'unknown':
      return { kind: 'undecided', reason: answer.reason };
    default:
      return answer satisfies never;
  }
}

function checkDemoHmac({
  delivery,
  webhookId,
  secret,
}: {
  readonly delivery: Delivery;
  readonly webhookId: string;
  readonly secret: string;
}): Authenticity {
  const signature = Buffer.from(delivery.transmission.signature, 'base64');
  const match = matchingSecret({
    algorithm: 'sha256',
    secrets: [secret],
    parts: [demoMessage(partsOf(delivery, webhookId))],
    signatures: [signature],
  });
  return match === 0
    ? { kind: 'authentic', tier: 'body', keyId: 'demo-hmac' }
    : mismatch('the demonstration signature does not match');
}

function partsOf({ request, transmission }: Delivery, webhookId: string): SignedParts {
  return { transmissionId: transmission.id, transmissionTime: transmission.timeText, webhookId, body: request.body };
}

function mismatch(reason: string): Rejection {
  return { kind: 'rejected', code: 'signature_mismatch', reason };
}
