import type { IncomingMessage } from 'node:http';
import type { ReceiveOutcome } from '@penstock/core/outcome';
import type { BodyPlace } from './body-room.ts';

export type BodyReading =
  | { readonly kind: 'body'; readonly bytes: Buffer }
  | Extract<ReceiveOutcome, { kind: 'too_large' | 'too_slow' | 'aborted' | 'overloaded' }>;

/**
 * Reads the exact bytes of a request. Stops at the limit, without having
 * buffered past it, and at the deadline, however slowly bytes trickle in; and
 * where its place is taken away.
 */
export function readBody(
  request: IncomingMessage,
  limits: { readonly bodyBytesMax: number; readonly bodyMs: number },
  place: BodyPlace,
): Promise<BodyReading> {
  const { bodyBytesMax } = limits;
  if (place.lack !== null) return Promise.resolve({ kind: 'overloaded', reason: place.lack });
  if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax)
    return Promise.resolve({ kind: 'too_large', bytesMax: bodyBytesMax });

  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    let isOver = false;

    const finish = (reading: BodyReading): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(deadline);
      if (reading.kind !== 'body') request.pause();
      resolve(reading);
    };
    const deadline = setTimeout(() => finish({ kind: 'too_slow' }), limits.bodyMs);
    const broken = (): void => finish({ kind: 'aborted' });

    place.onLack((reason) => finish({ kind: 'overloaded', reason }));
    request.on('data', (chunk: Buffer) => {
      if (isOver) return;
      bytes += chunk.length;
      if (bytes > bodyBytesMax) finish({ kind: 'too_large', bytesMax: bodyBytesMax });
      else if (!place.grow(chunk.length)) finish({ kind: 'overloaded', reason: 'body_bytes' });
      else chunks.push(chunk);
    });
    request.on('end', () => {
      if (isOver) return;
      place.arrived();
      const [only] = chunks;
      finish({ kind: 'body', bytes: chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, bytes) });
    });
    // An error after the end, as when the sender goes away, concerns nobody any more.
    request.on('close', broken).on('error', broken);
  });
}
