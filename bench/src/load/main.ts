import * as z from 'zod';
import { forgedTraffic, requestBytes, stripeEvents } from '../stripe-requests.ts';
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
});

export type LoadArgument = z.input<typeof argumentSchema>;

// A process of its own, so that its garbage and its waits are not the server's. Events are made before the clock starts.
const { port, path, events, connections, milliseconds, perSecond, traffic } = argumentSchema.parse(
  JSON.parse(process.argv[2] ?? '{}'),
);
const requests =
  traffic === 'forged' ? forgedTraffic(events, path) : stripeEvents(events).map((event) => requestBytes(event, path));
const result = await generateLoad({
  port,
  requests,
  connections,
  milliseconds,
  pace: perSecond === null ? { kind: 'closed' } : { kind: 'open', perSecond },
});
process.stdout.write(`${JSON.stringify(result)}\n`);
