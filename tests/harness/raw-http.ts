import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** What came back on a bare connection. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A bare connection: what no HTTP client would send, and when. */
export interface RawConnection extends Disposable {
  readonly socket: Socket;
  readonly send: (bytes: string | Buffer) => void;
  /** Everything received so far. */
  readonly received: () => string;
  /** The first answer, once it is there whole; rejects where the connection ends before. */
  readonly answer: () => Promise<RawAnswer>;
  /** Sends one request and returns its answer, on a connection that has no other in hand. */
  readonly ask: (bytes: string | Buffer) => Promise<RawAnswer>;
  /** Resolves once the other side has ended the connection, however it did. */
  readonly closed: Promise<void>;
}

export async function openConnection(target: { readonly url: string }): Promise<RawConnection> {
  const { hostname, port } = new URL(target.url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  let received = '';
  const watchers = new Set<() => void>();
  const tellWatchers = (): void => {
    for (const watch of watchers) watch();
  };
  socket.setEncoding('latin1').on('data', (text: string) => {
    received += text;
    tellWatchers();
  });
  // A reset is one of the ways to be refused; `closed` follows.
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  void closed.then(tellWatchers);
  const answer = (): Promise<RawAnswer> =>
    new Promise((resolve, reject) => {
      const watch = (): void => {
        const found = parseAnswer(received);
        if (found === null && !socket.closed) return;
        watchers.delete(watch);
        if (found === null) reject(new Error(`the connection ended after ${JSON.stringify(received)}`));
        else resolve(found);
      };
      watchers.add(watch);
      watch();
    });
  return {
    socket,
    send: (bytes) => void socket.write(bytes),
    received: () => received,
    answer,
    ask: (bytes) => {
      received = '';
      socket.write(bytes);
      return answer();
    },
    closed,
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/** Sends one request as it stands and returns the answer. */
export async function sendRaw(target: { readonly url: string }, bytes: string | Buffer): Promise<RawAnswer> {
  using connection = await openConnection(target);
  connection.send(bytes);
  return await connection.answer();
}

/** The lines of a request, its head complete. */
export function requestHead(line: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = [
    `${line} HTTP/1.1`,
    'Host: 127.0.0.1',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join('\r\n')}\r\n\r\n`;
}

function parseAnswer(received: string): RawAnswer | null {
  const end = received.indexOf('\r\n\r\n');
  if (end === -1) return null;
  const [first = '', ...lines] = received.slice(0, end).split('\r\n');
  const headers = new Headers();
  for (const line of lines) headers.append(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim());
  const body = received.slice(end + 4, end + 4 + Number(headers.get('content-length') ?? 0));
  if (body.length < Number(headers.get('content-length') ?? 0)) return null;
  return { status: Number(first.split(' ')[1]), headers, body };
}
