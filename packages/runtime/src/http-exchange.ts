import { rootCertificates } from 'node:tls';
import { ServiceAwayError, TransientError } from '@penstock/core/failure';
import type { IncomingResponse, OutgoingRequest, ProviderEffects } from '@penstock/core/provider';
import { resilientExchange, type Exchange } from './resilient-exchange.ts';

/** Makes a request, and may look at it and its answer. */
export type AroundExchange = (
  request: OutgoingRequest,
  send: () => Promise<IncomingResponse>,
) => Promise<IncomingResponse>;

/** The real world for verifiers and confirmers: HTTPS with the system's roots and those added. */
export function providerEffects(options: {
  readonly production: boolean;
  readonly extraRoots?: readonly string[];
  /** How often a GET is tried again at once: never where a provider waits for the answer. */
  readonly retriesMax: number;
  /** Each request, a retry too, is made within it. */
  readonly around?: AroundExchange;
}): ProviderEffects {
  const { around } = options;
  const send: Exchange = around === undefined ? exchange : (request) => around(request, () => exchange(request));
  return {
    exchange: resilientExchange(send, options),
    production: options.production,
    trustedRoots: [...rootCertificates, ...(options.extraRoots ?? [])],
  };
}

/**
 * One HTTP exchange: no redirect is followed, the answer is cut off at its
 * limit, and the deadline covers connection, headers and body. Rejects with
 * ServiceAwayError `provider_unreachable`.
 */
async function exchange(request: OutgoingRequest): Promise<IncomingResponse> {
  try {
    const response = await fetch(request.url, {
      method: request.method,
      headers: { ...request.headers },
      redirect: 'manual',
      signal: AbortSignal.timeout(request.timeoutMs),
      ...(request.body === undefined
        ? {}
        : { body: typeof request.body === 'string' ? request.body : new Uint8Array(request.body) }),
    });
    return {
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: await readLimited(response, request.bodyBytesMax),
    };
  } catch (cause) {
    if (cause instanceof TransientError) throw cause;
    throw new ServiceAwayError(
      'provider_unreachable',
      `${request.method} ${new URL(request.url).origin} failed: ${cause instanceof Error ? cause.message : String(cause)}`,
      { cause },
    );
  }
}

async function readLimited(response: Response, bytesMax: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax)
      throw new TransientError('provider_answer_too_large', `the answer is larger than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
