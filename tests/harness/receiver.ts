import { createServer } from 'node:http';
import { Webhook } from 'standardwebhooks';

/** A message as it arrived. */
export interface Arrived {
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly at: number;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A service of the user's own, on a loopback port. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  /** Everything that arrived, whatever was answered. */
  readonly arrived: readonly Arrived[];
  /** What was answered 2xx. */
  readonly accepted: readonly Arrived[];
  /** How it answers from now on; null hangs up, `silent` never answers. */
  readonly answerWith: (answer: (message: Arrived) => Answer | null | 'silent') => void;
  /** Refuses every connection, until it is up again under the same URL. */
  readonly down: () => Promise<void>;
  readonly up: () => Promise<void>;
}

/** Starts one that accepts everything whose signature the `standardwebhooks` package verifies under the secret. */
export async function startReceiver(secret: string): Promise<Receiver> {
  const arrived: Arrived[] = [];
  const accepted: Arrived[] = [];
  const webhook = new Webhook(secret);
  let answer: (message: Arrived) => Answer | null | 'silent' = () => ({ status: 204 });
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, String(value ?? '')]),
      );
      const message = { id: headers['webhook-id'] ?? '', headers, body, at: Date.now() };
      arrived.push(message);
      const given = verified(webhook, message) ? (answer(message) ?? hangUp) : { status: 401 };
      if (given === 'silent') return;
      const { status, headers: told }: Answer = given;
      if (status === 0) return void response.destroy();
      if (status >= 200 && status < 300) accepted.push(message);
      response.writeHead(status, told).end();
    });
  });
  const listen = (on: number): Promise<void> => new Promise((resolve) => server.listen(on, '127.0.0.1', resolve));
  await listen(0);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const stop = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  return {
    url: `http://127.0.0.1:${port}/hooks`,
    arrived,
    accepted,
    answerWith: (given) => {
      answer = given;
    },
    down: stop,
    up: () => listen(port),
    [Symbol.asyncDispose]: stop,
  };
}

const hangUp: Answer = { status: 0 };

function verified(webhook: Webhook, { body, headers }: Arrived): boolean {
  try {
    webhook.verify(body, headers);
    return true;
  } catch {
    return false;
  }
}
