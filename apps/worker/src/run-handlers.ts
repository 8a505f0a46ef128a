import type { KyselyPlugin } from 'kysely';
import { decodeBody, type Delivery } from '@penstock/core/delivery';
import { PermanentError, toFailure, TransientError } from '@penstock/core/failure';
import { covers, type HandledEvent, type Handler } from '@penstock/core/handler';
import { canonicalType, type PaymentFact } from '@penstock/core/payment-event';
import { isLedgerOutage, type LedgerTransaction } from '@penstock/db/database';
import { addToOutbox } from '@penstock/db/outbox';

/** What handlers are told about. */
export interface HandlerInput {
  readonly delivery: Delivery;
  readonly ledgerId: number;
  readonly facts: readonly PaymentFact[];
  /** What the provider's API said of the event; null where it was not asked. */
  readonly answer: Buffer | null;
}

/**
 * Runs every handler that covers the event, one after the other in the order
 * of the configuration, inside the ledger's transaction. Returns how many ran.
 * The first that throws, or outlasts its time, fails the attempt as a whole.
 */
export async function runHandlers(
  tx: LedgerTransaction,
  input: HandlerInput,
  world: {
    readonly handlers: readonly Handler<LedgerTransaction>[];
    readonly handlerMs: number;
  },
): Promise<number> {
  const { delivery, facts } = input;
  const canonicalTypes = facts.map(canonicalType);
  const covering = world.handlers.filter((handler) =>
    covers(handler.pattern, { provider: delivery.provider, type: delivery.type, canonicalTypes }),
  );
  if (covering.length === 0) return 0;

  const event = describe(input);
  for (const handler of covering)
    await runWithin(world.handlerMs, handler.name, (signal) =>
      runOne(tx, { handler, event, ledgerId: input.ledgerId, signal }),
    );
  return covering.length;
}

async function runOne(
  tx: LedgerTransaction,
  run: {
    readonly handler: Handler<LedgerTransaction>;
    readonly event: HandledEvent;
    readonly ledgerId: number;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { handler, event, ledgerId, signal } = run;
  // A handler that is out of time may still be running when the connection has
  // gone back to the pool; its late queries must not land in another's transaction.
  const guarded = tx.withPlugin(refuseAfter(signal, handler.name));
  try {
    await handler.run({
      event,
      tx: guarded,
      signal,
      outbox: (message) => addToOutbox(guarded, { ledgerId, ...message }),
    });
  } catch (thrown) {
    throw isLedgerOutage(thrown) ? thrown : handlerFailure(thrown);
  }
}

/**
 * What a handler threw, told apart from a fault of the ledger's database: a
 * service that the handler could not reach is the handler's failure and costs
 * the event an attempt. Keeps the code, and the place it was thrown at.
 */
function handlerFailure(thrown: unknown): Error {
  if (thrown instanceof PermanentError || thrown instanceof TransientError) return thrown;
  const { code, message } = toFailure(thrown);
  const failure = new TransientError(code === 'unexpected_error' ? 'handler_failed' : code, message, { cause: thrown });
  if (thrown instanceof Error && typeof thrown.stack === 'string') failure.stack = thrown.stack;
  return failure;
}

async function runWithin(
  milliseconds: number,
  name: string,
  run: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const controller = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    controller.abort();
    late.reject(new TransientError('handler_timeout', `the handler ${name} took longer than ${milliseconds} ms`));
  }, milliseconds);
  try {
    await Promise.race([run(controller.signal), late.promise]);
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

function refuseAfter(signal: AbortSignal, name: string): KyselyPlugin {
  return {
    transformQuery: ({ node }) => {
      if (signal.aborted)
        throw new TransientError('handler_late', `the handler ${name} used its transaction after it had ended`);
      return node;
    },
    transformResult: async ({ result }) => result,
  };
}

function describe({ delivery, facts, answer }: HandlerInput): HandledEvent {
  return {
    endpoint: delivery.endpoint,
    provider: delivery.provider,
    account: delivery.account,
    id: delivery.eventId,
    type: delivery.type,
    occurredAt: delivery.occurredAt === null ? null : new Date(delivery.occurredAt),
    receivedAt: new Date(delivery.receivedAt),
    tier: delivery.tier,
    confirmed: answer !== null,
    facts,
    payload: readPayload((answer ?? decodeBody(delivery.body)).toString('utf8')),
  };
}

/** Not every provider sends JSON: a form is handed over as the text it is. */
function readPayload(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
