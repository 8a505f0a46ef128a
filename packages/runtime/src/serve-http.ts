import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { trackConnections } from './connections.ts';
import { listen } from './listen.ts';

/** Signature headers are under 4 KiB; proxies add a few. Node's own default. */
const HEADER_BYTES_MAX = 16 * 1024;

/**
 * Serves a public port. Headers and requests that dawdle are cut off, requests
 * that are not HTTP get a problem document, connections are bounded. Closing lets the requests in hand
 * finish and refuses new connections.
 */
export async function serveHttp(
  handle: (request: IncomingMessage, response: ServerResponse) => unknown,
  options: {
    readonly host: string;
    readonly port: number | undefined;
    readonly fallbackPort: number;
    /** Whether other processes may listen on it too. */
    readonly shared?: boolean;
    readonly requestMs: number;
    readonly connectionsMax: number;
    /** A connection was ended because there are too many. */
    readonly onConnectionEnded: () => void;
  },
): Promise<{ readonly port: number; readonly moved: boolean; readonly connections: () => number } & AsyncDisposable> {
  const server = createServer(
    {
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: Math.min(10_000, options.requestMs),
      requestTimeout: options.requestMs,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: 65_000,
      requireHostHeader: false,
    },
    (request, response) => void handle(request, response),
  );
  server.on('clientError', refuse);
  const { connectionsMax, onConnectionEnded } = options;
  const { count, endUnused } = trackConnections(server, { connectionsMax, onEnded: onConnectionEnded });
  const { port, moved } = await listen(server, options);
  return { port, moved, connections: count, [Symbol.asyncDispose]: () => drain(server, endUnused) };
}

async function drain(server: Server, endUnused: () => void): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  endUnused();
  await closed;
}

/** What Node could not parse, or gave up waiting for, gets the same shape of answer as anything else. */
function refuse(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const status = refusalStatuses[error.code ?? ''] ?? 400;
  const body = invalidRequestProblem(status);
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}

/** The problem document for what is not a request that anything could be said to. */
export function invalidRequestProblem(status: number): string {
  return JSON.stringify({
    type: 'urn:penstock:problem:http_invalid',
    status,
    code: 'http_invalid',
    title: STATUS_CODES[status] ?? 'Bad Request',
  });
}

const refusalStatuses: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };
