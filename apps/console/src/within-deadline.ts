import { TransientError } from '@penstock/core/failure';

/** Operators look again rather than wait longer. */
const QUEUE_MS_MAX = 2_000;

/**
 * What the queue answers, or TransientError `queue_unavailable`: where its
 * backend has not been reached since the start, BullMQ waits for ever.
 */
export async function withinDeadline<Answer>(question: Promise<Answer>): Promise<Answer> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new TransientError('queue_unavailable', `the queue did not answer within ${QUEUE_MS_MAX} ms`)), QUEUE_MS_MAX);
  try {
    return await Promise.race([question, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
