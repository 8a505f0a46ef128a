import type { IncomingMessage } from 'node:http';
import type { ReceiveOutcome } from '@penstock/core/outcome';

export type BodyReading =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | Extract<ReceiveOutcome, { kind: 'too_large' | 'too_slow' | 'aborted' }>;

/**
 * Reads the exact bytes of a request. Stops at the limit, without having
 * buffered past it, and at the deadline, however slowly bytes trickle in.
 */
export function readBody(
  request: IncomingMessage,
  limits: { readonly bodyBytesMax: number; readonly bodyMs: number },
): Promise<BodyReading> {
  const { bodyBytesMax } = limits;
  if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax)
    return Promise.resolve({ kind: 'too_large', bytesMax: bodyBytesMax });

  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;

    const onData = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > bodyBytesMax) finish({ kind: 'too_large', bytesMax: bodyBytesMax });
      else chunks.push(chunk);
    };
    const onEnd = (): void => finish({ kind: 'body', bytes: Buffer.concat(chunks, bytes) });
    const onAborted = (): void => finish({ kind: 'aborted' });
    const deadline = setTimeout(() => finish({ kind: 'too_slow' }), limits.bodyMs);

    const finish = (reading: BodyReading): void => {
      clearTimeout(deadline);
      request.off('data', onData).off('end', onEnd).off('close', onAborted).off('error', onAborted);
      // An error after this, as when the sender goes away, concerns nobody any more.
      request.on('error', () => undefined);
      if (reading.kind !== 'body') request.pause();
      resolve(reading);
    };

    request.on('data', onData).on('end', onEnd).on('close', onAborted).on('error', onAborted);
  });
}
