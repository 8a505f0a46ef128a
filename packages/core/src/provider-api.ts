import { ServiceAwayError, TransientError } from './failure.ts';
import type { IncomingResponse, OutgoingRequest, ProviderEffects } from './provider.ts';

/** What a provider's API says about one thing it was asked for. */
export type ApiAnswer =
  | { readonly kind: 'found'; readonly body: Buffer }
  /** 404 or 410: it knows no such thing. */
  | { readonly kind: 'absent' };

/** A question to a provider's API; the limits have defaults. */
export type ApiQuestion = Pick<OutgoingRequest, 'url' | 'headers'> &
  Partial<Pick<OutgoingRequest, 'timeoutMs' | 'bodyBytesMax'>>;

/** Nobody waits for the answer but the event itself. */
const ANSWER_TIMEOUT_MS = 10_000;

/** A payment with all that hangs on it is some 20 KB. */
const ANSWER_BYTES_MAX = 1_048_576;

/**
 * GETs one resource. What is not an answer is told apart by what would mend it:
 *
 * - ServiceAwayError `provider_away`: 408, 425, 429 or 5xx. Waiting mends it; Retry-After says how long.
 * - TransientError `provider_refused_us`: 401 or 403. An operator mends it.
 * - TransientError `provider_answer_unexpected`: any other status.
 */
export async function askProvider(effects: ProviderEffects, question: ApiQuestion): Promise<ApiAnswer> {
  const response = await effects.exchange({
    method: 'GET',
    timeoutMs: ANSWER_TIMEOUT_MS,
    bodyBytesMax: ANSWER_BYTES_MAX,
    ...question,
  });
  return readAnswer(new URL(question.url).origin, response);
}

function readAnswer(origin: string, { status, headers, body }: IncomingResponse): ApiAnswer {
  if (status === 200) return { kind: 'found', body };
  if (status === 404 || status === 410) return { kind: 'absent' };
  if (status === 401 || status === 403)
    throw new TransientError(
      'provider_refused_us',
      `${origin} answered ${status}: check the credentials of this endpoint, then replay the event`,
    );
  if (isAway(status))
    throw new ServiceAwayError('provider_away', `${origin} answered ${status}`, {
      retryAfterMs: readRetryAfterMs(headers['retry-after']),
    });
  throw new TransientError('provider_answer_unexpected', `${origin} answered ${status}, which says nothing`);
}

/** Whether a status says that the service, not the question, is at fault (RFC 9110, RFC 8470, RFC 6585). */
export function isAway(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}

/** Retry-After in seconds (RFC 9110, 10.2.3), as milliseconds; null where it is absent, a date or nonsense. */
export function readRetryAfterMs(header: string | undefined): number | null {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : null;
}
