import { connect } from 'node:net';
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** How the load is given. */
export interface Load {
  readonly port: number;
  /** Asked for each in turn, when it is due; undefined where there are no more. */
  readonly requests: { readonly at: (position: number) => Buffer | undefined };
  readonly connections: number;
  /**
   * `closed`: each connection sends its next request when the last is answered,
   * which finds the most a server does. `open`: requests are due at a fixed
   * rate whether or not the server keeps up, and time is counted from when a
   * request was due, so that a stall counts against every request it delayed
   * (coordinated omission).
   */
  readonly pace: { readonly kind: 'closed' } | { readonly kind: 'open'; readonly perSecond: number };
  /** When it stops sending; what is in hand is still awaited. */
  readonly milliseconds: number;
}

/** What came of it. Times in milliseconds. */
export interface LoadResult {
  readonly sent: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly perSecond: number;
  readonly latency: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number };
}

/** A microsecond to a minute, to three figures. */
const histogramOptions = { lowest: 1, highest: 60_000_000, figures: 3 };

/** Sends the requests over keep-alive connections, each at most once, one at a time on each connection. */
export async function generateLoad(load: Load): Promise<LoadResult> {
  const histogram = createHistogram(histogramOptions);
  const byStatus: Record<string, number> = {};
  const connections = await Promise.all(Array.from({ length: load.connections }, () => openConnection(load.port)));
  const started = performance.now();
  const queue = dueRequests(load, started);
  const idle: Connection[] = [];
  const done = Promise.withResolvers<void>();
  let open = connections.length;

  const proceed = (connection: Connection): void => {
    const due = queue.next();
    if (due === 'later') idle.push(connection);
    else if (due === null) {
      connection.close();
      open -= 1;
      if (open === 0) done.resolve();
    } else
      connection.ask(due.bytes, (status) => {
        histogram.record(Math.max(1, Math.round((performance.now() - due.at) * 1_000)));
        byStatus[status] = (byStatus[status] ?? 0) + 1;
        proceed(connection);
      });
  };
  for (const connection of connections) proceed(connection);
  // One clock for all connections; each has its own only while it is asked.
  const clock = setInterval(() => {
    for (const connection of idle.splice(0)) proceed(connection);
  }, 1);
  try {
    await Promise.race([done.promise, ...connections.map(({ broken }) => broken)]);
  } finally {
    clearInterval(clock);
    for (const connection of connections) connection.close();
  }
  const seconds = (performance.now() - started) / 1_000;
  const answered = Object.values(byStatus).reduce((sum, count) => sum + count, 0);
  return { sent: queue.taken(), byStatus, seconds, perSecond: answered / seconds, latency: latencyOf(histogram) };
}

interface Due {
  readonly bytes: Buffer;
  readonly at: number;
}

interface DueRequests {
  /** The next request, where it is due; null where there is none any more. */
  readonly next: () => Due | 'later' | null;
  readonly taken: () => number;
}

function dueRequests({ requests, pace, milliseconds }: Load, started: number): DueRequests {
  let taken = 0;
  const next = (): Due | 'later' | null => {
    const now = performance.now();
    const at = pace.kind === 'closed' ? now : started + (taken / pace.perSecond) * 1_000;
    if (at - started > milliseconds) return null;
    if (at > now) return 'later';
    const bytes = requests.at(taken);
    if (bytes === undefined) return null;
    taken += 1;
    return { bytes, at };
  };
  return { next, taken: () => taken };
}

interface Connection {
  /** Sends a request; its answer's status is told once all of it is there. */
  readonly ask: (request: Buffer, answered: (status: string) => void) => void;
  /** Rejects once it is of no use any more; never resolves. */
  readonly broken: Promise<never>;
  readonly close: () => void;
}

/**
 * A connection that reads answers with a content-length, one after the other; just enough HTTP for servers of our own.
 * Bytes are read into one buffer and looked at in place: the load shares its two cores with what it measures.
 */
async function openConnection(port: number): Promise<Connection> {
  let rest = '';
  let waiting: ((status: string) => void) | null = null;
  let isClosed = false;
  // Kept, for it may be closed before anybody has asked anything.
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);

  const read = (text: string): void => {
    rest = rest === '' ? text : rest + text;
    const headEnd = rest.indexOf('\r\n\r\n');
    if (waiting === null || headEnd === -1) return;
    const length = Number(contentLength.exec(rest)?.[1] ?? 0);
    if (rest.length < headEnd + 4 + length) return;
    const status = rest.slice(9, 12);
    rest = rest.slice(headEnd + 4 + length);
    const answered = waiting;
    waiting = null;
    answered(status);
  };
  const socket = connect({
    port,
    host: '127.0.0.1',
    noDelay: true,
    onread: {
      buffer: Buffer.allocUnsafe(READ_BYTES),
      callback: (length, buffer) => {
        read(Buffer.from(buffer.buffer, buffer.byteOffset, length).toString('latin1'));
        return true;
      },
    },
  });
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  socket.on('error', broken.reject);
  socket.on('close', () => {
    if (!isClosed) broken.reject(new Error('the server closed the connection'));
  });
  return {
    ask: (request, answered) => {
      waiting = answered;
      socket.write(request);
    },
    broken: broken.promise,
    close: () => {
      isClosed = true;
      socket.destroy();
    },
  };
}

/** More than an answer of ours. */
const READ_BYTES = 16_384;

const contentLength = /\r\ncontent-length: *(\d+)/i;

function latencyOf(histogram: RecordableHistogram): LoadResult['latency'] {
  const at = (percentile: number): number => histogram.percentile(percentile) / 1_000;
  return { p50: at(50), p90: at(90), p99: at(99), max: histogram.max / 1_000 };
}
