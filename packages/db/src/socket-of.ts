import { Socket } from 'node:net';
import type { PoolClient } from 'pg';

/** A connection's socket. pg does not declare it, and has it under this name since its first versions. */
export function socketOf(client: PoolClient): Socket | null {
  if (!('connection' in client)) return null;
  const { connection } = client;
  if (typeof connection !== 'object' || connection === null || !('stream' in connection)) return null;
  return connection.stream instanceof Socket ? connection.stream : null;
}
