import { request, type Agent } from 'node:https';
import { signStripeRequest } from '@penstock/core/providers/stripe/sign';

/** What is looked at of an answer. */
export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

/** The body of an event, signed now, and the headers that prove it. */
export function signed(id: string, secret: string): [Buffer, Record<string, string>] {
  const created = Math.floor(Date.now() / 1000);
  const data = { object: { id: 'cus_1', object: 'customer' } };
  const body = Buffer.from(
    JSON.stringify({ id, object: 'event', type: 'customer.deleted', created, livemode: false, data }),
  );
  return [body, { ...signStripeRequest({ body, secrets: [secret], signedAt: new Date() }) }];
}

/** By POST where there is a body. */
export async function send(given: {
  readonly url: string;
  readonly agent: Agent;
  /** The address it is sent from. */
  readonly from?: string;
  readonly body?: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}): Promise<Answer> {
  const { url, agent, from, body, headers } = given;
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const length = body === undefined ? {} : { 'content-length': String(body.length) };
    const options = { method, agent, headers: { ...headers, ...length }, timeout: 30_000, localAddress: from };
    const asked = request(url, options, (response) => {
      response.resume();
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] }),
      );
    });
    asked.once('error', reject);
    asked.end(body);
  });
}

/** How often each came. */
export function statuses(answers: readonly Answer[]): string {
  const counts = Map.groupBy(answers, ({ status }) => status);
  return [...counts].map(([status, these]) => `${these.length} × ${status}`).join(', ');
}
