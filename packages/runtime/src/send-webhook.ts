import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { request as requestHttp, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { callbackify } from 'node:util';
import type { AddressGuard } from './address-guard.ts';

/** What a destination made of a delivery. */
export type SendResult =
  | { readonly kind: 'answered'; readonly status: number; readonly retryAfter: string | null }
  /** Nothing was sent: the address is not one that may be sent to. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string };

export type ResolveName = (name: string) => Promise<readonly LookupAddress[]>;

export interface WebhookToSend {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Covers name, connection, headers and answer. */
  readonly timeoutMs: number;
  readonly guard: AddressGuard;
  /** Every address of a name; the system's resolver where absent. */
  readonly resolve?: ResolveName;
}

/** Nothing of an answer is read but its status; this much is taken so that the connection ends in order. */
const ANSWER_BYTES_MAX = 16_384;

/**
 * Posts one webhook. The connection goes to an address that the guard has let
 * through, and to no other: the name is resolved once, every address of it is
 * judged, and the socket is given the one that was judged (no second question
 * that a hostile DNS could answer otherwise). Redirects are not followed.
 * Never rejects.
 */
export async function sendWebhook(webhook: WebhookToSend): Promise<SendResult> {
  const host = webhook.url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && !webhook.guard(host)) return refused;
  try {
    const answer = await exchange(webhook);
    answer.on('error', () => undefined);
    drain(answer);
    const retryAfter = answer.headers['retry-after'] ?? null;
    return { kind: 'answered', status: answer.statusCode ?? 0, retryAfter };
  } catch (error) {
    if (error instanceof AddressRefused) return refused;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: 'failed', reason: code !== '' && !reason.includes(code) ? `${code}: ${reason}` : reason };
  }
}

class AddressRefused extends Error {
  override name = 'AddressRefused';
}

const refused: SendResult = {
  kind: 'refused',
  reason: 'the URL leads to a private or reserved address; allowPrivate of the destination may allow it',
};

function exchange({
  url,
  headers,
  body,
  timeoutMs,
  guard,
  resolve = resolveName,
}: WebhookToSend): Promise<IncomingMessage> {
  const { promise, resolve: answered, reject } = Promise.withResolvers<IncomingMessage>();
  const open = url.protocol === 'https:' ? requestHttps : requestHttp;
  const request = open(url, {
    method: 'POST',
    headers: { ...headers, 'content-length': String(body.length) },
    lookup: guardedLookup(guard, resolve),
    signal: AbortSignal.timeout(timeoutMs),
    // A connection of its own: one that was judged for another moment is not used again.
    agent: false,
  });
  request.once('response', answered);
  request.once('error', reject);
  request.end(body);
  return promise;
}

const resolveName: ResolveName = (name) => lookup(name, { all: true });

/** Resolves a name to addresses that were all let through; one that was not refuses the name. */
function guardedLookup(guard: AddressGuard, resolve: ResolveName): LookupFunction {
  const ask = callbackify(resolve);
  return (hostname, options, callback) => {
    ask(hostname, (error, found) => {
      const [first] = found ?? [];
      if (error !== null) callback(error, '', 0);
      else if (first === undefined) callback(new Error(`${hostname} has no address`), '', 0);
      else if (!found.every(({ address }) => guard(address))) callback(new AddressRefused(hostname), '', 0);
      else if (options.all === true) callback(null, [...found]);
      else callback(null, first.address, first.family);
    });
  };
}

function drain(answer: IncomingMessage): void {
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > ANSWER_BYTES_MAX) answer.destroy();
  });
}
