import { createHmac } from 'node:crypto';

/** Signs a notification as Mercado Pago does: the URL's id, the request's and the time. */
export function signMercadoPagoRequest(options: {
  readonly dataId: string;
  readonly requestId: string;
  readonly secret: string;
  readonly signedAt: Date;
}): Record<string, string> {
  const ts = Math.floor(options.signedAt.getTime() / 1_000);
  const manifest = `id:${options.dataId};request-id:${options.requestId};ts:${ts};`;
  const signature = createHmac('sha256', options.secret).update(manifest).digest('hex');
  return {
    'content-type': 'application/json',
    'x-request-id': options.requestId,
    'x-signature': `ts=${ts},v1=${signature}`,
  };
}
