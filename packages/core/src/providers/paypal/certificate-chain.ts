import { X509Certificate, type KeyObject } from 'node:crypto';

export interface ChainRequest {
  /** What was downloaded: PEM blocks in any order, the signing certificate among them. */
  readonly pem: string;
  /** Whom the signing certificate must be issued to. */
  readonly hostName: string;
  readonly intermediates: readonly X509Certificate[];
  readonly roots: readonly X509Certificate[];
}

/** A certificate whose every path to a trusted root is known; whether one is valid depends on the moment. */
export interface TrustedCertificate {
  readonly publicKey: KeyObject;
  /** Each from the signing certificate to a root, both included. */
  readonly chains: readonly (readonly X509Certificate[])[];
}

export type ChainFinding =
  | { readonly kind: 'trusted'; readonly certificate: TrustedCertificate }
  | { readonly kind: 'untrusted'; readonly reason: string }
  /** Not certificates at all: an error page, a broken download. It says nothing about the delivery. */
  | { readonly kind: 'unreadable'; readonly reason: string };

/**
 * Builds the chains of the signing certificate in a download. Every step is an
 * issuer by name and by signature and is allowed to issue; the end is one of the
 * roots, byte for byte. Never throws. Not checked, for Node does not tell them:
 * path length and name constraints, and revocation.
 */
export function buildChains({ pem, hostName, intermediates, roots }: ChainRequest): ChainFinding {
  const blocks = readCertificates(pem);
  if (blocks === null || blocks.length === 0)
    return { kind: 'unreadable', reason: 'the download holds no readable certificate' };
  if (blocks.length > DOWNLOADED_CERTIFICATES_MAX)
    return { kind: 'untrusted', reason: `the download holds more than ${DOWNLOADED_CERTIFICATES_MAX} certificates` };
  // A wildcard of the whole domain may serve any web page; only the one name signs webhooks.
  const leaf = blocks.find((block) => block.checkHost(hostName, { wildcards: false }) !== undefined);
  if (leaf === undefined)
    return { kind: 'untrusted', reason: `no certificate in the download is issued to ${hostName}` };
  if (leaf.publicKey.asymmetricKeyType !== 'rsa')
    return { kind: 'untrusted', reason: 'the signing certificate does not hold an RSA key' };
  const chains = pathsToRoot([leaf], { issuers: [...blocks, ...intermediates, ...roots], roots });
  if (chains.length === 0)
    return { kind: 'untrusted', reason: 'the signing certificate does not chain to a trusted root' };
  return { kind: 'trusted', certificate: { publicKey: leaf.publicKey, chains } };
}

/** Whether one chain is, in every certificate, within its validity at a moment. */
export function isValidAt({ chains }: TrustedCertificate, at: Date): boolean {
  return chains.some((chain) =>
    chain.every((certificate) => certificate.validFromDate <= at && at <= certificate.validToDate),
  );
}

/** A leaf and a few issuers, cross-signed ones included; more would let one download cost many signature checks. */
const DOWNLOADED_CERTIFICATES_MAX = 6;

/** Leaf, up to three intermediates, root. PayPal's published chain has three. */
const CHAIN_CERTIFICATES_MAX = 5;

interface Issuers {
  readonly issuers: readonly X509Certificate[];
  readonly roots: readonly X509Certificate[];
}

function pathsToRoot(
  path: readonly X509Certificate[],
  { issuers, roots }: Issuers,
): readonly (readonly X509Certificate[])[] {
  const last = path.at(-1);
  if (last === undefined) return [];
  if (path.length > 1 && includesCertificate(roots, last)) return [path];
  if (path.length === CHAIN_CERTIFICATES_MAX) return [];
  return issuers
    .filter((issuer) => issuer.ca && !includesCertificate(path, issuer) && isIssuedBy(last, issuer))
    .flatMap((issuer) => pathsToRoot([...path, issuer], { issuers, roots }));
}

function includesCertificate(certificates: readonly X509Certificate[], wanted: X509Certificate): boolean {
  return certificates.some((certificate) => certificate.raw.equals(wanted.raw));
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function readCertificates(pem: string): readonly X509Certificate[] | null {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return null;
  }
}
