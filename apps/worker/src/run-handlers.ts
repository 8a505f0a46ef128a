import { CANARY_ENDPOINT } from '@penstock/core/canary';
import { decodeBody, type Delivery } from '@penstock/core/delivery';
import { PermanentError, toError, toFailure, TransientError, type Failure } from '@penstock/core/failure';
import { covers, type HandledEvent, type Handler, type HandlerLog } from '@penstock/core/handler';
import { canonicalType, type PaymentFact } from '@penstock/core/payment-event';
import type { Applied } from '@penstock/db/apply-facts';
import type { LedgerTransaction } from '@penstock/db/database';
import type { HandlerRun } from '@penstock/db/handler-runs';
import type { EventTransaction, SavepointScope } from '@penstock/db/ledger-store';
import { subscribersOf, type Forwarding } from './forward-event.ts';

/** What handlers are told about. */
export interface HandlerInput {
  readonly delivery: Delivery;
  readonly ledgerId: number;
  readonly facts: readonly PaymentFact[];
  /** The payments and payouts of the event, as they stand with it. */
  readonly applied: Applied;
  /** What the provider's API said of the event; null where it was not asked. */
  readonly answer: Buffer | null;
}

/** What running them needs of the world. */
export interface HandlerWorld {
  readonly handlers: readonly Handler<LedgerTransaction>[];
  /** For a handler that names no time of its own. */
  readonly handlerMs: number;
  readonly handlerLog: (line: HandlerLine) => HandlerLog;
  /** Who is told what, by name. */
  readonly destinations: ReadonlyMap<string, Forwarding>;
  /** Milliseconds of a clock that never goes back. */
  readonly elapsedMs: () => number;
  /** Rings once after so many milliseconds, unless what it returns is called before. */
  readonly after: (milliseconds: number, ring: () => void) => () => void;
}

/** What every line of a handler's carries. */
export interface HandlerLine {
  readonly handler: string;
  readonly requestId: string;
  readonly traceparent: string | undefined;
  readonly endpoint: string;
  readonly eventId: string;
}

/** What became of one handler. */
export type HandlerOutcome = {
  readonly handler: string;
  readonly version: number;
  readonly durationMs: number;
} & ({ readonly kind: 'done' } | { readonly kind: 'failed'; readonly failure: Failure; readonly error: Error });

/** The handlers that cover the event, in the order of the configuration. None covers the canary's. */
export function coveringHandlers(
  { delivery, facts }: Pick<HandlerInput, 'delivery' | 'facts'>,
  handlers: readonly Handler<LedgerTransaction>[],
): readonly Handler<LedgerTransaction>[] {
  const { endpoint, provider, type } = delivery;
  if (endpoint === CANARY_ENDPOINT) return [];
  const canonicalTypes = facts.map(canonicalType);
  return handlers.filter((handler) => covers(handler.pattern, { provider, type, canonicalTypes }));
}

/**
 * Those still to be run. One that succeeded before is not run again; one that
 * failed for good is only when the event was dead, and somebody wants it tried anew.
 * One that a replay asked for is run though it succeeded before.
 */
export function handlersToRun(
  covering: readonly Handler<LedgerTransaction>[],
  past: {
    readonly runs: ReadonlyMap<string, HandlerRun>;
    readonly wasDead: boolean;
    readonly asked: ReadonlySet<string>;
  },
): readonly Handler<LedgerTransaction>[] {
  return covering.filter(({ name }) => {
    const state = past.runs.get(name)?.state;
    if (state === 'done') return past.asked.has(name);
    return state !== 'dead' || past.wasDead;
  });
}

/**
 * Runs handlers one after the other in the ledger's transaction, each under a
 * savepoint of its own: the writes of one that throws, or outlasts its time,
 * are gone, and those of the others stay. Throws only where the transaction
 * itself is lost.
 */
export async function runHandlers(
  tx: EventTransaction,
  given: { readonly input: HandlerInput; readonly handlers: readonly Handler<LedgerTransaction>[] },
  world: HandlerWorld,
): Promise<readonly HandlerOutcome[]> {
  const event = describe(given.input);
  const outcomes: HandlerOutcome[] = [];
  for (const handler of given.handlers)
    outcomes.push(await runUnderSavepoint(tx, { handler, event, input: given.input }, world));
  return outcomes;
}

/**
 * Runs one handler within a savepoint that is the caller's: throws where it
 * fails, and what it wrote is to be taken back.
 */
export async function runWithoutSavepoint(scope: SavepointScope, run: Run, world: HandlerWorld): Promise<void> {
  const time = openHandlerTime(run.handler, world);
  await runWithin(time, world, () => runOne(scope, { ...run, time }, world));
}

/** A handler, and what it is told. */
export interface Run {
  readonly handler: Handler<LedgerTransaction>;
  readonly event: HandledEvent;
  readonly input: HandlerInput;
}

async function runUnderSavepoint(tx: EventTransaction, run: Run, world: HandlerWorld): Promise<HandlerOutcome> {
  const started = world.elapsedMs();
  const { name: handler, version } = run.handler;
  const time = openHandlerTime(run.handler, world);
  // A handler that is out of time may still be running when the connection has
  // gone back to the pool; its late queries must not land in another's transaction.
  const refuse = (): void => {
    if (time.isOver())
      throw new TransientError('handler_late', `the handler ${handler} used its transaction after it had ended`);
  };
  const outcome = await tx.underSavepoint({ timeoutMs: time.timeoutMs, refuse }, (scope) =>
    runWithin(time, world, () => runOne(scope, { ...run, time }, world)),
  );
  const ended = { handler, version, durationMs: world.elapsedMs() - started };
  if (outcome.kind === 'kept') return { kind: 'done', ...ended };
  const error = toError(handlerFailure(outcome.thrown));
  return { kind: 'failed', ...ended, failure: toFailure(error, { handler }), error };
}

async function runOne(
  scope: SavepointScope,
  { handler, event, input, time }: Run & { readonly time: HandlerTime },
  world: HandlerWorld,
): Promise<void> {
  const { payments, payouts } = input.applied;
  const { requestId, traceparent, eventId, endpoint } = input.delivery;
  let log: HandlerLog | undefined;
  await handler.run({
    event,
    payment: payments[0] ?? null,
    payments,
    payouts,
    tx: scope.tx,
    // Made when they are asked for: most handlers look at neither, and each costs as much as a short handler itself.
    get signal() {
      return time.signal();
    },
    get log() {
      log ??= world.handlerLog({ handler: handler.name, requestId, traceparent, endpoint, eventId });
      return log;
    },
    outbox: (message) =>
      scope.addToOutbox({
        ledgerId: input.ledgerId,
        kind: 'message',
        ...message,
        destinations: subscribersOf(world.destinations, message),
      }),
  });
}

/**
 * What a handler threw, told apart from a fault of the ledger's database: a
 * service that the handler could not reach is the handler's failure and costs
 * the event an attempt. Keeps the code, and the place it was thrown at.
 */
function handlerFailure(thrown: unknown): unknown {
  if (thrown instanceof PermanentError || thrown instanceof TransientError) return thrown;
  const { code, message, retryAfterMs = null } = toFailure(thrown);
  const known = code === 'unexpected_error' ? 'handler_failed' : code;
  const failure = new TransientError(known, message, { cause: thrown, retryAfterMs });
  if (thrown instanceof Error && typeof thrown.stack === 'string') failure.stack = thrown.stack;
  return failure;
}

/** The time that one run of a handler has. */
interface HandlerTime {
  readonly name: string;
  readonly timeoutMs: number;
  readonly isOver: () => boolean;
  readonly end: () => void;
  /** Aborted once it is over. */
  readonly signal: () => AbortSignal;
}

function openHandlerTime(handler: Handler<LedgerTransaction>, world: Pick<HandlerWorld, 'handlerMs'>): HandlerTime {
  let isOver = false;
  let controller: AbortController | undefined;
  return {
    name: handler.name,
    timeoutMs: handler.timeoutMs ?? world.handlerMs,
    isOver: () => isOver,
    end: () => {
      isOver = true;
      controller?.abort();
    },
    signal: () => {
      controller ??= new AbortController();
      if (isOver) controller.abort();
      return controller.signal;
    },
  };
}

async function runWithin(
  time: HandlerTime,
  world: Pick<HandlerWorld, 'after'>,
  run: () => Promise<void>,
): Promise<void> {
  const { name, timeoutMs } = time;
  const late = Promise.withResolvers<never>();
  const cancel = world.after(timeoutMs, () => {
    time.end();
    late.reject(new TransientError('handler_timeout', `the handler ${name} took longer than ${timeoutMs} ms`));
  });
  try {
    await Promise.race([run(), late.promise]);
  } finally {
    cancel();
    time.end();
  }
}

/** What handlers are told of an event, the same for each of its handlers. */
export function describe({ delivery, facts, answer }: HandlerInput): HandledEvent {
  let payload: { readonly read: unknown } | undefined;
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
    // Read when it is asked for: what most handlers want is in the facts and the payment.
    get payload() {
      payload ??= { read: readPayload((answer ?? decodeBody(delivery.body)).toString('utf8')) };
      return payload.read;
    },
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
