import type { Metrics } from './metrics.ts';

/** A statement as it is counted. */
interface TimedStatement {
  readonly operation: string;
  /** Null where it is hand-written. */
  readonly table: string | null;
  readonly durationMs: number;
  /** SQLSTATE, or another code of the driver; null on success. */
  readonly errorCode: string | null;
}

/** Counts a statement's time. */
export function observeStatement(metrics: Metrics, { operation, table, durationMs, errorCode }: TimedStatement): void {
  metrics.databaseDuration.observe(
    {
      db_operation_name: operation,
      db_collection_name: table === null ? '' : metrics.tableLabel(table),
      error_type: errorCode === null ? '' : metrics.codeLabel(errorCode),
    },
    durationMs / 1_000,
  );
}

/** Reads the pool into its gauges. */
export function observePool(
  metrics: Metrics,
  pool: { readonly total: number; readonly idle: number; readonly waiting: number; readonly max: number },
): void {
  metrics.databaseConnections.set({ db_client_connection_state: 'used' }, pool.total - pool.idle);
  metrics.databaseConnections.set({ db_client_connection_state: 'idle' }, pool.idle);
  metrics.databaseConnectionsMax.set(pool.max);
  metrics.databaseRequestsPending.set(pool.waiting);
}

/** How far the ledger's standbys are behind. */
export function observeReplicas(
  metrics: Metrics,
  { replicas, lagSeconds }: { readonly replicas: number; readonly lagSeconds: number | null },
): void {
  metrics.databaseReplicas.set(replicas);
  if (lagSeconds === null) metrics.databaseReplicaLag.remove();
  else metrics.databaseReplicaLag.set(lagSeconds);
}
