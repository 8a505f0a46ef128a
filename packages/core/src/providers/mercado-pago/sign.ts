import { createHmac } from 'node:crypto';

/** Signs a notification as Mercado Pago does: the URL's id, the request's and the time, without what is null. */
export function signMercadoPagoRequest(options: {
  readonly dataId: string | null;
  readonly requestId: string | null;
  readonly secret: string;
  readonly signedAt: Date;
}): Record<string, string> {
  const ts = Math.floor(options.signedAt.getTime() / 1_000);
  const parts = { id: options.dataId, 'request-id': options.requestId, ts };
  const manifest = Object.entries(parts).map(([name, value]) => (value === null ? '' : `${name}:${value};`));
  const signature = createHmac('sha256', options.secret).update(manifest.join('')).digest('hex');
  return {
    'content-type': 'application/json',
    ...(options.requestId === null ? {} : { 'x-request-id': options.requestId }),
    'x-signature': `ts=${ts},v1=${signature}`,
  };
}
