import type { Declare } from './declare.ts';

/** What the processes run on. What is read when Prometheus asks is read without a look at a table's rows. */
export function resourceMetrics(declare: Declare) {
  return {
    buildInfo: declare.gauge({
      name: 'penstock_build_info',
      help: 'Always 1; the labels say what runs.',
      labels: { version: "the package's version", commit: 'GIT_COMMIT, unknown', node: 'the version of Node' },
      serves: 'Workers and resources: what runs',
    }),
    peerUp: declare.gauge({
      name: 'penstock_peer_up',
      help: '1 where a process of METRICS_PEERS answered the last request for /metrics/all, 0 where it did not.',
      labels: { peer: 'host:port of a private port, at most 32' },
      serves: 'Workers and resources: what answers; alert ProcessDown',
    }),
    ...queueMetrics(declare),
    ...databaseMetrics(declare),
  };
}

function queueMetrics(declare: Declare) {
  return {
    queueDepth: declare.gauge({
      name: 'penstock_queue_jobs',
      help: 'Jobs in the queue by state; failed is the dead-letter queue. Every process that shows it reads the same queue: take the maximum.',
      labels: { state: 'waiting, active, delayed, completed, failed' },
      serves: 'Webhook path: backlog; Dead letters: standing',
    }),
    oldestWaiting: declare.gauge({
      name: 'penstock_queue_oldest_waiting_seconds',
      help: 'Age of the job that has waited longest, in whichever lane; 0 where none waits.',
      labels: {},
      serves: 'Webhook path: age of the backlog; alert OldestWaiting',
    }),
    queueDurable: declare.gauge({
      name: 'penstock_queue_durable',
      help: '1 while the queue writes every event to disk before it answers and evicts nothing, else 0.',
      labels: {},
      serves: 'Workers and resources: queue; alert QueueNotDurable',
    }),
    redisMemoryUsed: declare.gauge({
      name: 'penstock_redis_memory_used_bytes',
      help: 'What Redis has allocated; of a cluster, the fullest master.',
      labels: {},
      serves: 'Workers and resources: Redis; alert RedisNearMaxmemory',
    }),
    redisMemoryMax: declare.gauge({
      name: 'penstock_redis_memory_max_bytes',
      help: 'maxmemory of that Redis; 0 where there is no limit.',
      labels: {},
      serves: 'Workers and resources: Redis; alert RedisNearMaxmemory',
    }),
    redisAofOk: declare.gauge({
      name: 'penstock_redis_aof_last_write_ok',
      help: '1 while the append-only file is on and its last write succeeded, else 0.',
      labels: {},
      serves: 'Workers and resources: Redis; alert QueueNotDurable',
    }),
    redisReplicas: declare.gauge({
      name: 'penstock_redis_replicas',
      help: 'Replicas connected to Redis; of a cluster, to the master that has fewest.',
      labels: {},
      serves: 'Workers and resources: replication',
    }),
    redisReplicaLag: declare.gauge({
      name: 'penstock_redis_replica_lag_bytes',
      help: 'How far the slowest connected replica is behind; absent without replicas.',
      labels: {},
      serves: 'Workers and resources: replication; alert ReplicationLag',
    }),
  };
}

function databaseMetrics(declare: Declare) {
  return {
    databaseDuration: declare.histogram({
      name: 'db_client_operation_duration_seconds',
      help: 'Time of one statement to the ledger, its result included.',
      labels: {
        db_operation_name: 'select, insert, update, delete, sql (hand-written)',
        db_collection_name: "a table's name, empty where hand-written, other past fifty",
        error_type: 'SQLSTATE, empty on success, other past fifty',
      },
      buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10, 60],
      serves: 'Workers and resources: database',
    }),
    databaseConnections: declare.gauge({
      name: 'db_client_connection_count',
      help: "Connections of this process's pool to the ledger.",
      labels: { db_client_connection_state: 'used, idle' },
      serves: 'Workers and resources: pool',
    }),
    databaseConnectionsMax: declare.gauge({
      name: 'db_client_connection_max',
      help: 'Most connections that the pool opens.',
      labels: {},
      serves: 'Workers and resources: pool',
    }),
    databaseRequestsPending: declare.gauge({
      name: 'db_client_connection_pending_requests',
      help: 'Requests for a connection that wait for one.',
      labels: {},
      serves: 'Workers and resources: pool; more than zero for long means that the pool is too small',
    }),
    databaseReplicas: declare.gauge({
      name: 'penstock_database_replicas',
      help: 'Standbys that stream from the ledger.',
      labels: {},
      serves: 'Workers and resources: replication',
    }),
    databaseReplicaLag: declare.gauge({
      name: 'penstock_database_replica_lag_seconds',
      help: 'How long the slowest standby needs to show what was committed; absent without standbys, or where the role may not see it (pg_read_all_stats).',
      labels: {},
      serves: 'Workers and resources: replication; alert ReplicationLag',
    }),
  };
}
