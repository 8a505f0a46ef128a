import type { RefusalDetails } from '../respond.ts';
import type { Scope } from './api-key.ts';

/** What the read API alone refuses. */
export type ReadRefusal =
  | { readonly kind: 'key_required' }
  | { readonly kind: 'key_unknown' }
  | { readonly kind: 'key_expired' }
  | { readonly kind: 'key_revoked' }
  | { readonly kind: 'key_limited'; readonly waitMs: number }
  | { readonly kind: 'scope_missing'; readonly scope: Scope }
  | { readonly kind: 'cursor_invalid' }
  | { readonly kind: 'event_unknown' }
  | { readonly kind: 'payload_gone' }
  | { readonly kind: 'read_only' }
  | { readonly kind: 'read_too_slow' };

/** What each is in HTTP. The header WWW-Authenticate is that of RFC 6750, section 3. */
export function readRefusalDetails(refusal: ReadRefusal): RefusalDetails {
  switch (refusal.kind) {
    case 'key_required':
      return {
        status: 401,
        code: 'key_required',
        title: 'Send a key',
        detail: 'Make one with `pnpm api-key create` and send it as `Authorization: Bearer psk_…`.',
        headers: { 'www-authenticate': 'Bearer realm="penstock"' },
      };
    case 'key_unknown':
      return {
        status: 401,
        code: 'key_unknown',
        title: 'This is no key of this installation',
        detail: 'Compare it with what `pnpm api-key create` printed; `pnpm api-key list` tells the keys there are.',
        headers: invalidToken,
      };
    case 'key_expired':
      return { status: 401, code: 'key_expired', title: 'The key has expired', detail: another, headers: invalidToken };
    case 'key_revoked':
      return { status: 401, code: 'key_revoked', title: 'The key was revoked', detail: another, headers: invalidToken };
    case 'key_limited': {
      const seconds = Math.ceil(refusal.waitMs / 1000);
      return {
        status: 429,
        code: 'key_limited',
        title: 'Too many wrong keys from this address',
        detail: `Keys that were not right before are not looked at for the next ${seconds} seconds.`,
        headers: { 'retry-after': String(seconds) },
      };
    }
    case 'scope_missing':
      return {
        status: 403,
        code: 'scope_missing',
        title: `The key lacks the scope ${refusal.scope}`,
        detail: 'Scopes are given when a key is made; make another.',
        headers: {
          'www-authenticate': `Bearer realm="penstock", error="insufficient_scope", scope="${refusal.scope}"`,
        },
      };
    case 'cursor_invalid':
      return {
        status: 400,
        code: 'cursor_invalid',
        title: 'The cursor is none of this list',
        detail: 'Take the link `next` of the page before as it is, or leave the cursor out to begin.',
      };
    case 'event_unknown':
      return {
        status: 404,
        code: 'event_unknown',
        title: 'No event has this number',
        detail: "The number is the ledger's own; `/api/events?eventId=` finds an event by its provider's id.",
      };
    case 'payload_gone':
      return {
        status: 410,
        code: 'payload_gone',
        title: "The event's bytes are no longer kept",
        detail: 'What it said of payments still is: ask for the payment.',
      };
    case 'read_only':
      return {
        status: 405,
        code: 'read_only',
        title: 'Nothing can be changed here',
        detail: 'The API answers GET and HEAD.',
        headers: { allow: 'GET, HEAD' },
      };
    case 'read_too_slow':
      return {
        status: 503,
        code: 'read_too_slow',
        title: 'The read took too long and was cut off',
        detail: 'Narrow it: a shorter time, an account, an endpoint, a smaller limit.',
        headers: { 'retry-after': '5' },
      };
  }
}

const invalidToken = { 'www-authenticate': 'Bearer realm="penstock", error="invalid_token"' };
const another = 'Make another with `pnpm api-key create`.';
