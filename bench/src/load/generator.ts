import { connect, type Socket } from 'node:net';
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
  const started = performance.now();
  const queue = dueRequests(load, started);
  await Promise.all(
    Array.from({ length: load.connections }, () => runConnection(load.port, { queue, histogram, byStatus })),
  );
  const seconds = (performance.now() - started) / 1_000;
  const answered = Object.values(byStatus).reduce((sum, count) => sum + count, 0);
  return { sent: queue.taken(), byStatus, seconds, perSecond: answered / seconds, latency: latencyOf(histogram) };
}

interface Due {
  readonly bytes: Buffer;
  readonly at: number;
}

interface DueRequests {
  /** The next request, waited for where it is not due yet; null where there is none any more. */
  readonly next: () => Promise<Due | null> | Due | null;
  readonly taken: () => number;
}

function dueRequests({ requests, pace, milliseconds }: Load, started: number): DueRequests {
  let taken = 0;
  const take = (at: number): Due | null => {
    const bytes = requests.at(taken);
    if (bytes === undefined) return null;
    taken += 1;
    return { bytes, at };
  };
  if (pace.kind === 'closed')
    return {
      taken: () => taken,
      next: () => (performance.now() - started > milliseconds ? null : take(performance.now())),
    };
  const dueAt = (number: number): number => started + (number / pace.perSecond) * 1_000;
  return {
    taken: () => taken,
    next: () => {
      const at = dueAt(taken);
      if (at - started > milliseconds) return null;
      const due = take(at);
      const wait = at - performance.now();
      // A timer has a millisecond's resolution: what is due within it goes now.
      return due === null || wait < 1 ? due : new Promise((resolve) => setTimeout(() => resolve(due), wait));
    },
  };
}

async function runConnection(
  port: number,
  into: {
    readonly queue: DueRequests;
    readonly histogram: RecordableHistogram;
    readonly byStatus: Record<string, number>;
  },
): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  const answers = readAnswers(socket);
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  try {
    for (;;) {
      const due = await into.queue.next();
      if (due === null) return;
      socket.write(due.bytes);
      const status = await answers.next();
      into.histogram.record(Math.max(1, Math.round((performance.now() - due.at) * 1_000)));
      into.byStatus[status] = (into.byStatus[status] ?? 0) + 1;
    }
  } finally {
    socket.destroy();
  }
}

/** Reads answers with a content-length, one after the other; just enough HTTP for servers of our own. */
function readAnswers(socket: Socket): { readonly next: () => Promise<string> } {
  let buffered = '';
  let waiting: PromiseWithResolvers<string> | null = null;
  const settle = (): void => {
    const headEnd = buffered.indexOf('\r\n\r\n');
    if (waiting === null || headEnd === -1) return;
    const head = buffered.slice(0, headEnd);
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (buffered.length < headEnd + 4 + length) return;
    buffered = buffered.slice(headEnd + 4 + length);
    const { resolve } = waiting;
    waiting = null;
    resolve(head.slice(9, 12));
  };
  socket.setEncoding('latin1');
  socket.on('data', (text) => {
    buffered += String(text);
    settle();
  });
  const fail = (): void => waiting?.reject(new Error('the server closed the connection'));
  socket.on('close', fail);
  return {
    next: () => {
      waiting = Promise.withResolvers();
      return waiting.promise;
    },
  };
}

function latencyOf(histogram: RecordableHistogram): LoadResult['latency'] {
  const at = (percentile: number): number => histogram.percentile(percentile) / 1_000;
  return { p50: at(50), p90: at(90), p99: at(99), max: histogram.max / 1_000 };
}
