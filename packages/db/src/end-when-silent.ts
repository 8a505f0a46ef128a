import { setTimeout as delay } from 'node:timers/promises';
import type { Pool, PoolClient } from 'pg';
import { socketOf } from './socket-of.ts';

/** What the server says of a session: `unknown` where it cannot be asked, or does not tell. */
export type SessionState = 'working' | 'waiting_for_us' | 'gone' | 'unknown';

/** After so long without an answer the server is asked, over another connection, what it is doing. */
const ASK_MS = 2_000;

/** An answer that was on its way when the server was asked has come after so long. */
const GRACE_MS = 1_000;

/** What is sent may take its time: a slower link than 2 Mbit a second could never carry what it is cut off for again. */
const BYTES_PER_SECOND = 250_000;

/** How a pool's connections are watched. */
export interface SilenceWatch {
  /** After so long a connection is ended whose server cannot be asked. */
  readonly silenceMs: number;
  /** After so long without an answer the server is asked for the first time; 2 s unless said otherwise. */
  readonly askMs?: number;
  /** Asks the server about one of its sessions. Never rejects. */
  readonly askServer: (processId: number) => Promise<SessionState>;
}

/**
 * Ends connections whose other end is gone without a word, behind a firewall
 * that forgot them or on a machine that lost its power. They would otherwise be
 * waited for without end: the server's own limits are told over that same
 * connection. While a statement is not answered, the server is asked about its
 * session, each time after twice as long: where it waits for us while we wait
 * for it, or has no such session, the connection is ended, and with it those
 * that lie idle, which came the same way.
 */
export function endWhenSilent(pool: Pool, watch: SilenceWatch): void {
  const idle = new Set<PoolClient>();
  pool.on('connect', (client) =>
    watchConnection(client, watch, () => {
      for (const other of idle) socketOf(other)?.destroy();
    }),
  );
  pool.on('release', (_error, client) => idle.add(client));
  pool.on('acquire', (client) => idle.delete(client));
  pool.on('remove', (client) => idle.delete(client));
}

function watchConnection(client: PoolClient, watch: SilenceWatch, onSilent: () => void): void {
  const { silenceMs, askServer } = watch;
  const socket = socketOf(client);
  if (socket === null) return;
  const askMs = Math.min(watch.askMs ?? ASK_MS, silenceMs);
  let silentMs = 0;
  let sentBeforeAnswer = socket.bytesWritten;

  const end = (): void => {
    socket.destroy();
    onSilent();
  };
  const look = async (): Promise<void> => {
    // One that has been asked nothing may be silent for as long as it likes.
    if (!isAsked(client)) return;
    silentMs += socket.timeout ?? 0;
    const { bytesRead } = socket;
    const isSilent = (): boolean => isAsked(client) && socket.bytesRead === bytesRead;
    const sendingMs = Math.floor((socket.bytesWritten - sentBeforeAnswer) / BYTES_PER_SECOND) * 1_000;
    if (silentMs >= askMs + sendingMs) {
      const state = await askServer(processIdOf(client));
      if (state === 'waiting_for_us' || state === 'gone') {
        await delay(GRACE_MS, undefined, { ref: false });
        if (isSilent()) return end();
      }
      // One that the server works on ends by the server's own limits.
      if (state === 'unknown' && silentMs >= silenceMs && isSilent()) return end();
    }
    if (isSilent()) socket.setTimeout(silentMs < silenceMs ? Math.min(silentMs, silenceMs - silentMs) : silenceMs);
  };
  socket.on('data', () => {
    sentBeforeAnswer = socket.bytesWritten;
    if (silentMs === 0) return;
    silentMs = 0;
    socket.setTimeout(askMs);
  });
  socket.setTimeout(askMs);
  socket.on('timeout', () => void look());
}

/** pg declares neither of the two, and has had them under these names since its first versions. */
function isAsked(client: PoolClient): boolean {
  return 'readyForQuery' in client && client.readyForQuery === false;
}

function processIdOf(client: PoolClient): number {
  return 'processID' in client && typeof client.processID === 'number' ? client.processID : 0;
}
