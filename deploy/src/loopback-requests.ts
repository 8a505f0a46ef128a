import { request, type Agent } from 'node:https';
import { signStripeRequest } from '@penstock/core/providers/stripe/sign';

/** What is looked at of an answer. */
export interface Answer {
  readonly status: number;
  readonly retryAfter: string | undefined;
}

/** The body of an event, signed now and padded to about so many bytes, and the headers that prove it. */
export function signed(id: string, secret: string, bytes = 0): [Buffer, Record<string, string>] {
  const created = Math.floor(Date.now() / 1000);
  const data = { object: { id: 'cus_1', object: 'customer', description: ' '.repeat(bytes) } };
  const body = Buffer.from(
    JSON.stringify({ id, object: 'event', type: 'customer.deleted', created, livemode: false, data }),
  );
  return [body, { ...signStripeRequest({ body, secrets: [secret], signedAt: new Date() }) }];
}

/** By POST where there is a body. Again where nginx has closed the connection that was kept, as a reload makes it. */
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
    asked.once('error', (error) => (asked.reusedSocket ? resolve(send(given)) : reject(error)));
    asked.end(body);
  });
}

/**
 * Posts a body of which a byte comes every tenth of a second, far from its end for as long as anybody waits for it.
 * Returns the answer, which comes before the body is whole or not at all: null after 40 s.
 */
export async function trickle(given: {
  readonly url: string;
  readonly agent: Agent;
  readonly headers: Readonly<Record<string, string>>;
}): Promise<Answer | null> {
  const { url, agent, headers } = given;
  return new Promise((resolve) => {
    const asked = request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': '1000000' } });
    const drops = setInterval(() => asked.write(' '), 100);
    const finish = (answer: Answer | null): void => {
      clearInterval(drops);
      clearTimeout(deadline);
      asked.destroy();
      resolve(answer);
    };
    const deadline = setTimeout(() => finish(null), 40_000);
    asked.once('response', ({ statusCode = 0, headers: told }) =>
      finish({ status: statusCode, retryAfter: told['retry-after'] }),
    );
    asked.on('error', () => finish(null));
    asked.flushHeaders();
  });
}

/** How often each came. */
export function statuses(answers: readonly Answer[]): string {
  const counts = Map.groupBy(answers, ({ status }) => status);
  return [...counts].map(([status, these]) => `${these.length} × ${status}`).join(', ');
}
