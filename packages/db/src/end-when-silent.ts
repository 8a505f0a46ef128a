import type { PoolClient } from 'pg';
import { socketOf } from './socket-of.ts';

/**
 * Ends a connection whose statement has had no answer at all for so long. One
 * whose other end is gone without a word, behind a firewall that forgot it or
 * on a machine that lost its power, would otherwise be waited for without end:
 * the server's own limits are told over that same connection.
 */
export function endWhenSilent(client: PoolClient, silenceMs: number): void {
  const socket = socketOf(client);
  socket?.setTimeout(silenceMs, () => undefined);
  socket?.on('timeout', () => {
    // One that has been asked nothing may be silent for as long as it likes.
    if ('readyForQuery' in client && client.readyForQuery === false) socket.destroy();
  });
}
