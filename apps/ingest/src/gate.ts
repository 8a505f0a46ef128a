import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TurnedAway } from '@penstock/core/outcome';
import { requestIdOf } from '@penstock/runtime/request-id';
import { respond } from './respond.ts';

type Listener = (request: IncomingMessage, response: ServerResponse) => unknown;

/** What is left of a body that was not asked for is read and thrown away for so long; then the connection is cut. */
const DISCARD_MS = 500;

/** Less than this is there with the head, or soon; no clock is needed for it. */
const SMALL_BODY_BYTES = 16 * 1024;

/**
 * Stands before the app: what may not come in is answered here, for less than
 * it costs to be let in.
 */
export function gate(
  listener: Listener,
  world: {
    readonly judge: (request: IncomingMessage) => TurnedAway | null;
    readonly newId: () => string;
    readonly turnedAway: (turned: {
      readonly request: IncomingMessage;
      readonly outcome: TurnedAway;
      readonly status: number;
    }) => void;
  },
): Listener {
  return (request, response) => {
    const outcome = world.judge(request);
    if (outcome === null) return listener(request, response);
    const requestId = requestIdOf(request.headers['x-request-id'], world.newId);
    const answer = respond(outcome, { requestId, traceId: undefined });
    // Node counts a body only where nobody has asked for the head before.
    response.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(answer.body) });
    response.end(answer.body);
    discardBody(request);
    world.turnedAway({ request, outcome, status: answer.status });
    return undefined;
  };
}

/** So that the sender, who may still be writing, gets to read the answer, and cannot make us read for ever. */
function discardBody(request: IncomingMessage): void {
  request.on('error', () => undefined).resume();
  const isSmall = Number(request.headers['content-length'] ?? 0) <= SMALL_BODY_BYTES;
  if (isSmall && request.headers['transfer-encoding'] === undefined) return;
  const { socket } = request;
  const timer = setTimeout(() => socket.destroy(), DISCARD_MS);
  request.once('close', () => clearTimeout(timer));
}
