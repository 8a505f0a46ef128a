import { TransientError } from '@penstock/core/failure';

/**
 * What a question answers, if it does so in time; TransientError `no_answer`
 * otherwise. The question itself goes on: what it was asking must bear that.
 */
export async function within<Answer>(milliseconds: number, question: Promise<Answer>): Promise<Answer> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new TransientError('no_answer', `no answer within ${milliseconds} ms`)),
    milliseconds,
  );
  try {
    return await Promise.race([question, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
