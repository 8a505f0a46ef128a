import { Pool } from 'pg';
import * as z from 'zod';
import { takeWebhooks } from './take-webhooks.ts';

const [redisUrl, databaseUrl, concurrency] = z
  .tuple([z.string(), z.string(), z.coerce.number()])
  .parse(process.argv.slice(2, 5));

// The straightforward worker: one transaction of two statements an event, no fold, no handler.
const pool = new Pool({ connectionString: databaseUrl, max: Math.min(concurrency, 16) });
await takeWebhooks(
  async (job) => {
    const client = await pool.connect();
    try {
      await client.query('begin');
      const inserted = await client.query({
        name: 'insert',
        text: 'insert into bench_plain (id, body) values ($1, $2) on conflict do nothing',
        values: [job.id, JSON.stringify(job.data)],
      });
      if (inserted.rowCount === 1)
        await client.query({
          name: 'finish',
          text: "update bench_plain set state = 'processed' where id = $1",
          values: [job.id],
        });
      await client.query('commit');
    } finally {
      client.release();
    }
  },
  { redisUrl, concurrency },
);
