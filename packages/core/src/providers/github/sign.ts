import { createHmac } from 'node:crypto';

/** Signs a body as GitHub does, with the event's name beside it, unsigned. */
export function signGithubRequest(options: {
  readonly body: Buffer;
  readonly secret: string;
  readonly event: string;
}): Record<string, string> {
  const signature = createHmac('sha256', options.secret).update(options.body).digest('hex');
  return {
    'content-type': 'application/json',
    'x-hub-signature-256': `sha256=${signature}`,
    'x-github-event': options.event,
  };
}
