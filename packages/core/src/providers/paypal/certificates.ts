import { X509Certificate, type KeyObject } from 'node:crypto';
import { toFailure } from '../../failure.ts';
import type { ProviderEffects } from '../../provider.ts';
import { buildChains, isValidAt, type ChainFinding } from './certificate-chain.ts';
import type { PayPalEnvironment } from './environment.ts';
import { bundledIntermediates } from './intermediates.ts';

/** An address that may be fetched. */
export interface CertificateAddress {
  readonly url: string;
  /** E.g. `CERT-360caa42-fca2a594-1d93a270`: names the certificate in logs. */
  readonly fileName: string;
}

export type CertificateFinding =
  | { readonly kind: 'trusted'; readonly publicKey: KeyObject }
  | { readonly kind: 'untrusted'; readonly reason: string }
  /** Nothing is known of the certificate now. */
  | { readonly kind: 'unavailable'; readonly reason: string };

/** Finds the certificate at an address, as trusted at a moment. Never rejects. */
export type FindCertificate = (address: CertificateAddress, at: Date) => Promise<CertificateFinding>;

/**
 * Decides whether the address a request names may be fetched; null if not. Whole
 * strings are compared, so no two readings of one URL can differ: PayPal's https
 * origins, its certificate folder, one plain file name, and nothing after it.
 */
export function readCertificateUrl(text: string, { certificateOrigins }: PayPalEnvironment): CertificateAddress | null {
  const folder = certificateOrigins
    .map((origin) => `${origin}/v1/notifications/certs/`)
    .find((candidate) => text.startsWith(candidate));
  const fileName = folder === undefined ? '' : text.slice(folder.length);
  return /^CERT-[A-Za-z0-9-]{1,100}$/.test(fileName) ? { url: text, fileName } : null;
}

/**
 * A finder that remembers. One download per address at a time, however many ask;
 * the 32 addresses used last are kept for 24 hours (PayPal's own max-age), one
 * whose chain is not trusted for five minutes, a failed download not at all.
 * Validity is checked at every use. Downloads at a time are limited, for the
 * address comes from a request that nothing has proven yet.
 */
export function createCertificateFinder(environment: PayPalEnvironment, effects: ProviderEffects): FindCertificate {
  const download = createDownload(environment, effects);
  const kept = new Map<string, { readonly finding: Download; readonly until: number }>();
  const underWay = new Map<string, Promise<Download>>();

  async function obtain(url: string, at: Date): Promise<Download> {
    const finding = await download(url);
    const keptMs = keptMsOf(finding);
    if (keptMs > 0) kept.set(url, { finding, until: at.getTime() + keptMs });
    for (const oldest of [...kept.keys()].slice(0, -CERTIFICATES_KEPT_MAX)) kept.delete(oldest);
    return finding;
  }

  async function load(url: string, at: Date): Promise<Download> {
    const hit = kept.get(url);
    if (hit !== undefined && at.getTime() < hit.until) {
      kept.delete(url);
      kept.set(url, hit);
      return hit.finding;
    }
    const shared = underWay.get(url);
    if (shared !== undefined) return shared;
    if (underWay.size >= DOWNLOADS_AT_A_TIME_MAX)
      return { kind: 'unavailable', reason: 'too many certificates are being fetched' };
    const started = obtain(url, at).finally(() => underWay.delete(url));
    underWay.set(url, started);
    return started;
  }

  return async ({ url }, at) => {
    const finding = await load(url, at);
    if (finding.kind !== 'trusted') return finding;
    if (!isValidAt(finding.certificate, at))
      return { kind: 'untrusted', reason: 'a certificate of the chain is not yet or no longer valid' };
    return { kind: 'trusted', publicKey: finding.certificate.publicKey };
  };
}

type Download =
  | Exclude<ChainFinding, { readonly kind: 'unreadable' }>
  | { readonly kind: 'unavailable'; readonly reason: string };

const CERTIFICATES_KEPT_MAX = 32;

/** PayPal names one certificate at a time; the rest is invention. */
const DOWNLOADS_AT_A_TIME_MAX = 16;

/** A certificate is some 3 KB of PEM; with its issuers under 10 KB. */
const CERTIFICATE_BYTES_MAX = 16_384;

/** The delivery waits meanwhile, and the postback may still have to follow. */
const CERTIFICATE_TIMEOUT_MS = 3_000;

function keptMsOf(finding: Download): number {
  switch (finding.kind) {
    case 'trusted':
      return 86_400_000;
    case 'untrusted':
      return 300_000;
    case 'unavailable':
      return 0;
    default:
      return finding satisfies never;
  }
}

function createDownload(
  { certificateHost }: PayPalEnvironment,
  { exchange, trustedRoots }: ProviderEffects,
): (url: string) => Promise<Download> {
  const roots = trustedRoots.map((pem) => new X509Certificate(pem));
  const intermediates = bundledIntermediates.map((pem) => new X509Certificate(pem));
  return async (url) => {
    try {
      const response = await exchange({
        method: 'GET',
        url,
        headers: { accept: 'application/x-pem-file' },
        timeoutMs: CERTIFICATE_TIMEOUT_MS,
        bodyBytesMax: CERTIFICATE_BYTES_MAX,
      });
      if (response.status !== 200)
        return { kind: 'unavailable', reason: `fetching the certificate was answered with ${response.status}` };
      const finding = buildChains({
        pem: response.body.toString('latin1'),
        hostName: certificateHost,
        intermediates,
        roots,
      });
      return finding.kind === 'unreadable' ? { kind: 'unavailable', reason: finding.reason } : finding;
    } catch (error) {
      return { kind: 'unavailable', reason: `the certificate could not be fetched (${toFailure(error).code})` };
    }
  };
}
