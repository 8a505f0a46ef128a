import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { forgedTraffic, requestBytes, stripeEvent, stripeEvents } from '../stripe-requests.ts';
import { generateLoad } from './generator.ts';

const argumentSchema = z.strictObject({
  port: z.number(),
  path: z.string(),
  events: z.number(),
  connections: z.number(),
  milliseconds: z.number(),
  perSecond: z.number().nullable(),
  /** Of a provider, or of somebody without its secret. */
  traffic: z.enum(['genuine', 'forged']).default('genuine'),
  /** Signed when they are due: for loads that outlast a signature's five minutes. */
  signedLate: z.boolean().default(false),
});

export type LoadArgument = z.input<typeof argumentSchema>;

// A process of its own, so that its garbage and its waits are not the server's. Events are made before the clock starts,
// unless they are to be signed late.
const { port, path, events, connections, milliseconds, perSecond, traffic, signedLate } = argumentSchema.parse(
  JSON.parse(process.argv[2] ?? '{}'),
);
const requests = traffic === 'forged' ? forgedTraffic(events, path) : genuineTraffic();
const result = await generateLoad({
  port,
  requests,
  connections,
  milliseconds,
  pace: perSecond === null ? { kind: 'closed' } : { kind: 'open', perSecond },
});
process.stdout.write(`${JSON.stringify(result)}\n`);

function genuineTraffic(): { readonly at: (position: number) => Buffer | undefined } {
  const run = randomBytes(6).toString('hex');
  if (!signedLate) return stripeEvents(events, run).map((event) => requestBytes(event, path));
  return { at: (position) => (position < events ? requestBytes(stripeEvent(position, run), path) : undefined) };
}
