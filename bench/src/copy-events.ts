import { Client } from 'pg';

/** Rows of the ledger in one statement. */
const STEP = 100_000;

/** How far the keys of one copy are from those of the one before. */
interface Strides {
  readonly ledger: number;
  readonly payment: number;
}

/**
 * Copies what a worker has stored in the database until there are so many
 * events. Then it is vacuumed, as autovacuum would have done by then.
 */
export async function copyEvents(
  databaseUrl: string,
  given: { readonly events: number; readonly onProgress: (stored: number) => void },
): Promise<void> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await copyAll(client, given);
    await client.query('vacuum analyze');
    await client.query('checkpoint');
  } finally {
    await client.end();
  }
}

async function copyAll(
  client: Client,
  { events, onProgress }: { readonly events: number; readonly onProgress: (stored: number) => void },
): Promise<void> {
  // What it inserts is consistent; asking the database to check each row takes most of the time.
  await client.query('set session_replication_role = replica');
  await client.query('set synchronous_commit = off');
  const { rows } = await client.query<{ stored: number; ledger: number; payment: number }>(`
    select count(*)::int as stored, max(id)::int as ledger, (select max(key)::int from payments) as payment from ledger`);
  const first = rows[0];
  if (first === undefined || first.stored === 0) throw new Error('there is no event to be copied');
  const statements: string[] = [];
  for (const [table, changed] of Object.entries(changedInCopies(first))) {
    await client.query(`create temp table first_${table} as table ${table}`);
    statements.push(await copying(client, { table, changed }));
  }
  const copies = Math.max(0, Math.round(events / first.stored) - 1);
  const step = Math.max(1, Math.floor(STEP / first.stored));
  for (let from = 1; from <= copies; from += step) {
    const to = Math.min(copies, from + step - 1);
    for (const statement of statements) await client.query(statement, [from, to]);
    onProgress((to + 1) * first.stored);
  }
  await client.query("select setval(pg_get_serial_sequence('ledger', 'id'), (select max(id) from ledger))");
  await client.query("select setval(pg_get_serial_sequence('payments', 'key'), (select max(key) from payments))");
}

/**
 * What is another in the copy `k` of a row, by table and column. Tables that are
 * not here have no row for each event. Facts keep the names in their JSON, which
 * nobody reads unless a payment of theirs is folded anew.
 */
function changedInCopies({ ledger, payment }: Strides): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const ofLedger = (column: string): string => `${column} + k * ${ledger}::bigint`;
  const ofPayment = (column: string): string => `${column} + k * ${payment}::bigint`;
  // As long as it was, and as random as providers' ids: what looked alike would be side by side in an index.
  const anew = (column: string): string =>
    `left(${column}, 4) || left(md5(${column} || '.' || k) || md5(k || '.' || ${column}), length(${column}) - 4)`;
  const asked = { request_id: anew('request_id') };
  const sent = { ...asked, provider_event_id: anew('provider_event_id') };
  return {
    ledger: { ...sent, id: ofLedger('id'), job_id: anew('job_id') },
    events: { ...sent, id: ofLedger('id') },
    deliveries: { ...asked, ledger_id: ofLedger('ledger_id'), delivery_id: 'gen_random_uuid()' },
    handler_runs: { ledger_id: ofLedger('ledger_id') },
    payments: { key: ofPayment('key'), id: anew('id') },
    payment_references: { payment_key: ofPayment('payment_key'), reference: anew('reference') },
    payment_facts: {
      event_id: ofLedger('event_id'),
      provider_event_id: anew('provider_event_id'),
      payment_key: ofPayment('payment_key'),
    },
    refunds: { payment_key: ofPayment('payment_key'), id: anew('id') },
  };
}

/** The statement that copies a table; its parameters are the first and the last copy. */
async function copying(
  client: Client,
  { table, changed }: { readonly table: string; readonly changed: Readonly<Record<string, string>> },
): Promise<string> {
  const { rows } = await client.query<{ name: string }>(
    `select attname as name from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
    [table],
  );
  const names = rows.map(({ name }) => name);
  const values = names.map((name) => changed[name] ?? name);
  return `insert into ${table} (${names.join(', ')}) overriding system value
    select ${values.join(', ')} from first_${table}, generate_series($1::int, $2::int) as k`;
}
