import { Client, type ClientConfig } from 'pg';
import type { SessionState } from './end-when-silent.ts';

/** A server that is there connects and answers within milliseconds. */
const ASK_MS_MAX = 2_000;

/**
 * Asks the server, over a connection made for it, what it is doing for a
 * session: `waiting_for_us` where the next move is the client's. Never rejects.
 *
 * Source: PostgreSQL, The Cumulative Statistics System, pg_stat_activity and wait_event.
 */
export async function askServer(config: ClientConfig, processId: number): Promise<SessionState> {
  const client = new Client({ ...config, connectionTimeoutMillis: ASK_MS_MAX, query_timeout: ASK_MS_MAX });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ state: string | null; wait_event: string | null }>(
      'select state, wait_event from pg_stat_activity where pid = $1',
      [processId],
    );
    const [session] = rows;
    if (session === undefined) return 'gone';
    if (session.state === null || session.state === 'disabled') return 'unknown';
    // In the midst of a statement's messages a session counts as active.
    return session.state === 'active' && session.wait_event !== 'ClientRead' ? 'working' : 'waiting_for_us';
  } catch {
    return 'unknown';
  } finally {
    // Not waited for: it may be as silent as the one that is asked about.
    void client.end().catch(() => undefined);
  }
}
