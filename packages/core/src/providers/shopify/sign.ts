import { createHmac } from 'node:crypto';

/** Signs a body as Shopify does, with what it sends beside it, unsigned. */
export function signShopifyRequest(options: {
  readonly body: Buffer;
  readonly secret: string;
  readonly topic: string;
}): Record<string, string> {
  return {
    'content-type': 'application/json',
    'x-shopify-hmac-sha256': createHmac('sha256', options.secret).update(options.body).digest('base64'),
    'x-shopify-topic': options.topic,
    'x-shopify-shop-domain': 'example.myshopify.com',
    'x-shopify-api-version': '2026-10',
    'x-shopify-webhook-id': 'b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
  };
}
