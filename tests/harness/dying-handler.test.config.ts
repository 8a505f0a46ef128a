import { sql } from 'kysely';
import { defineConfiguration, fromEnvironment } from '@penstock/core/configuration';
import { on } from '@penstock/db/handler';

/** A handler of several awaits, which ends its process with SIGKILL before the one that DIE_BEFORE names. */
export default defineConfiguration({
  endpoints: {
    stripe: { provider: 'stripe', secrets: [fromEnvironment('STRIPE_WEBHOOK_SECRET')] },
  },
  handlers: [
    on('stripe:customer.created', 'write-three-times', async ({ event, tx, outbox }) => {
      const steps = [
        () => sql`insert into effects (event_id) values (${event.id})`.execute(tx),
        () => outbox({ topic: 'effects', key: event.id, payload: {} }),
        () => sql`insert into effects (event_id) values (${event.id})`.execute(tx),
        () => sql`insert into effects (event_id) values (${event.id})`.execute(tx),
      ];
      for (const [position, step] of steps.entries()) {
        dieBefore(position);
        await step();
      }
      dieBefore(steps.length);
    }),
  ],
});

function dieBefore(position: number): void {
  if (process.env['DIE_BEFORE'] === String(position)) process.kill(process.pid, 'SIGKILL');
}
