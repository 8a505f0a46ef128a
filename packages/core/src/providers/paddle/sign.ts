import { createHmac } from 'node:crypto';

/** Signs a body as Paddle does at a time: one `h1` for each secret, as while one is rotated. */
export function signPaddleRequest(options: {
  readonly body: Buffer;
  readonly secrets: readonly string[];
  readonly at: Date;
}): Record<string, string> {
  const timestamp = Math.floor(options.at.getTime() / 1000);
  const signatures = options.secrets.map(
    (secret) => `h1=${createHmac('sha256', secret).update(`${timestamp}:`).update(options.body).digest('hex')}`,
  );
  return { 'content-type': 'application/json', 'paddle-signature': [`ts=${timestamp}`, ...signatures].join(';') };
}
