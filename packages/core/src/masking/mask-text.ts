import { createHmac } from 'node:crypto';
import { findCardNumbers } from './card-numbers.ts';
import { findEmails } from './emails.ts';
import type { Finding, FindingKind } from './finding.ts';
import { findIbans } from './ibans.ts';
import { normalise } from './normalise.ts';
import { withoutSecrets } from './secrets.ts';
import { findPhoneNumbers } from './phone-numbers.ts';
import { isWorthSearching } from './worth-searching.ts';

/**
 * What makes the tokens. It is the process's, not a caller's: any error
 * anywhere may quote a payload, and there must be no way around it.
 */
let tokenKey = 'no key was given';

/** Sets what tokens are made with. The same key in every process makes the same tokens. */
export function setMaskKey(key: string): void {
  tokenKey = key;
}

/**
 * A text without card numbers, account numbers, e-mail addresses and telephone
 * numbers. Of cards and accounts the last four characters stay (PCI DSS 4.0,
 * 3.4.1, allows as much). An address or a telephone number becomes a token, the
 * same for the same person under the same key: `email:9f3ac1d2e4b5`. A text
 * with nothing of the kind comes back as it is; a masked one is not masked again.
 * Nor does it quote a secret that this process was given (secrets.ts).
 */
export function maskText(given: string): string {
  const text = withoutSecrets(given);
  const { shown, findings } = find(text);
  return replace(text, findings, (finding) => stateOf(shown, finding));
}

/** The same for a line of JSON, which stays one: a number that is masked becomes a string. */
export function maskJson(given: string): string {
  const json = withoutSecrets(given);
  const { shown, findings } = find(json);
  return replace(json, findings, (finding) => {
    const state = stateOf(shown, finding);
    return isInString(json, finding.from) ? state : `"${state}"`;
  });
}

/** Whether there is anything to mask. */
export function isPersonal(text: string): boolean {
  return find(text).findings.length > 0;
}

interface Placed extends Finding {
  /** Where it is in the original. */
  readonly from: number;
  readonly to: number;
}

const nothing: readonly Placed[] = [];

function find(text: string): { readonly shown: string; readonly findings: readonly Placed[] } {
  if (!isWorthSearching(text)) return { shown: text, findings: nothing };
  const normalised = normalise(text);
  const shown = normalised.text;
  const findings = withoutOverlap([
    ...findEmails(shown),
    ...findIbans(shown),
    ...findCardNumbers(shown),
    ...findPhoneNumbers(shown),
  ]).map((finding) => ({
    ...finding,
    from: normalised.startOf(finding.start),
    to: normalised.endOf(finding.end - 1),
  }));
  return { shown, findings };
}

/** In the order of the text. What overlaps is masked whole, as the kind that is surest. */
function withoutOverlap(found: readonly Finding[]): readonly Finding[] {
  if (found.length < 2) return found;
  const apart: Finding[] = [];
  for (const finding of found.toSorted((one, other) => one.start - other.start)) {
    const last = apart.at(-1);
    if (last === undefined || finding.start >= last.end) apart.push(finding);
    else
      apart[apart.length - 1] = {
        kind: sureness[finding.kind] > sureness[last.kind] ? finding.kind : last.kind,
        start: last.start,
        end: Math.max(last.end, finding.end),
      };
  }
  return apart;
}

const sureness: Readonly<Record<FindingKind, number>> = { email: 3, iban: 2, card: 1, phone: 0 };

function replace(text: string, findings: readonly Placed[], stateFor: (finding: Placed) => string): string {
  if (findings.length === 0) return text;
  let masked = '';
  let position = 0;
  for (const finding of findings) {
    masked += text.slice(position, finding.from) + stateFor(finding);
    position = finding.to;
  }
  return masked + text.slice(position);
}

function stateOf(shown: string, { kind, start, end }: Finding): string {
  const value = shown.slice(start, end);
  switch (kind) {
    case 'email':
    case 'phone':
      return tokenFor(kind, value);
    case 'card':
      return `card:…${lastFour(value)}`;
    case 'iban':
      return `iban:${value.slice(0, 2).toUpperCase()}…${lastFour(value)}`;
  }
}

function lastFour(value: string): string {
  return value.replaceAll(/[^A-Za-z0-9]/g, '').slice(-4);
}

/** The token of an e-mail address, whatever its case, or of a telephone number, however it is grouped. */
export function tokenFor(kind: Extract<FindingKind, 'email' | 'phone'>, value: string): string {
  const same = kind === 'email' ? value.toLowerCase() : value.replaceAll(/\D/g, '').replace(/^00/, '');
  return `${kind}:${createHmac('sha256', tokenKey).update(`${kind}:${same}`).digest('hex').slice(0, TOKEN_CHARACTERS)}`;
}

/** 48 bits: two of a million people share a token once in five hundred installations. */
const TOKEN_CHARACTERS = 12;

/** Whether this place in a JSON text is within quotes. */
function isInString(json: string, place: number): boolean {
  let within = false;
  for (let position = 0; position < place; position += 1) {
    const character = json.charCodeAt(position);
    if (character === 0x5c) position += 1;
    else if (character === 0x22) within = !within;
  }
  return within;
}
