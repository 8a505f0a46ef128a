import * as z from 'zod';

const orderSchema = z.object({ clockOffsetMs: z.number() });

/**
 * Puts this process under the harness's orders: its clock steps when told to,
 * and it ends when the harness is gone. The step is seen by everything in the
 * process, libraries too; timers run on, as they do when a real clock steps.
 */
export function obeyHarness(): void {
  let offsetMs = 0;
  const real = Date;
  const now = (): number => real.now() + offsetMs;
  globalThis.Date = new Proxy(real, {
    construct: (target, args: unknown[], made) => Reflect.construct(target, args.length === 0 ? [now()] : args, made),
    get: (target, property, receiver) => (property === 'now' ? now : Reflect.get(target, property, receiver)),
  });
  process.on('message', (order) => {
    offsetMs = orderSchema.parse(order).clockOffsetMs;
  });
  process.on('disconnect', () => process.exit(1));
  // A process that is done should end although the harness could still speak to it.
  process.channel?.unref();
}
