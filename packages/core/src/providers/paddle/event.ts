import { isDeepStrictEqual } from 'node:util';
import { jsonObject } from '../../json-object.ts';
import { readJsonBody } from '../../json-body.ts';

/**
 * Whether two bodies under one event id state the same event. A replay, and
 * each further destination, sends the event under a notification id of its
 * own; nothing else may differ. Source: developer.paddle.com/webhooks,
 * `notification_id`.
 */
export function statesSamePaddleEvent(stored: Buffer, received: Buffer): boolean {
  if (stored.equals(received)) return true;
  const [one, other] = [readJsonBody(stored, anyEvent), readJsonBody(received, anyEvent)];
  if (one.kind === 'malformed' || other.kind === 'malformed') return false;
  return isDeepStrictEqual({ ...one.value, notification_id: null }, { ...other.value, notification_id: null });
}

const anyEvent = jsonObject;
