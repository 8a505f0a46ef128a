import * as z from 'zod';
import { toFailure } from '../../failure.ts';
import type { ProviderEffects } from '../../provider.ts';
import { createAccessTokens } from './access-tokens.ts';
import { readJson } from './envelope.ts';
import type { PayPalEnvironment } from './environment.ts';
import type { PayPalCredentials } from './settings.ts';
import type { Transmission } from './transmission.ts';

/** A delivery PayPal is asked about. */
export interface PostbackQuestion {
  readonly transmission: Transmission;
  readonly certificateUrl: string;
  readonly webhookId: string;
  readonly body: Buffer;
}

export type PostbackAnswer =
  | { readonly kind: 'genuine' }
  | { readonly kind: 'forged'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string };

/** Asks PayPal whether a delivery is its own. Never rejects. */
export type AskPayPal = (question: PostbackQuestion, at: Date) => Promise<PostbackAnswer>;

/**
 * Verification by PayPal itself: POST /v1/notifications/verify-webhook-signature.
 * Only PayPal's SUCCESS and FAILURE decide; anything else is `unknown`. A refused
 * token is renewed once.
 */
export function createPostback(parties: {
  readonly environment: PayPalEnvironment;
  readonly credentials: PayPalCredentials;
  readonly effects: ProviderEffects;
}): AskPayPal {
  const { environment, effects } = parties;
  const tokens = createAccessTokens(parties);
  let questionsUnderWay = 0;

  async function post(body: Buffer, token: string): Promise<{ readonly status: number; readonly body: Buffer }> {
    return effects.exchange({
      method: 'POST',
      url: `${environment.apiOrigin}/v1/notifications/verify-webhook-signature`,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', accept: 'application/json' },
      body,
      timeoutMs: POSTBACK_TIMEOUT_MS,
      bodyBytesMax: ANSWER_BYTES_MAX,
    });
  }

  async function ask(question: PostbackQuestion, at: Date): Promise<PostbackAnswer> {
    const body = spliceQuestion(question);
    const token = await tokens.get(at);
    const first = await post(body, token);
    if (first.status !== 401) return readAnswer(first);
    return readAnswer(await post(body, await tokens.replace(token, at)));
  }

  return async (question, at) => {
    if (question.body.length > QUESTION_BODY_BYTES_MAX)
      return {
        kind: 'unknown',
        reason: `the body is longer than the ${QUESTION_BODY_BYTES_MAX} bytes PayPal is asked about`,
      };
    if (!isJsonObject(question.body))
      return { kind: 'forged', reason: 'the body is not a JSON object, which is all that PayPal signs' };
    if (questionsUnderWay >= QUESTIONS_AT_A_TIME_MAX)
      return { kind: 'unknown', reason: 'too many deliveries are being verified through PayPal' };
    questionsUnderWay += 1;
    try {
      return await ask(question, at);
    } catch (error) {
      return { kind: 'unknown', reason: `PayPal could not be asked (${toFailure(error).code})` };
    } finally {
      questionsUnderWay -= 1;
    }
  };
}

/** Anyone can make us ask; PayPal limits how often it answers (429). */
const QUESTIONS_AT_A_TIME_MAX = 64;

/**
 * PayPal's events are a few KB. The body is parsed here before anything is proven:
 * 10 MB of open brackets cost 0.7 s and hundreds of MB of memory (measured on two cores).
 */
const QUESTION_BODY_BYTES_MAX = 1_048_576;

const POSTBACK_TIMEOUT_MS = 5_000;

/** The answer is one word; an error of PayPal's, with its links, some 2 KB. */
const ANSWER_BYTES_MAX = 65_536;

const answer = z.object({ verification_status: z.enum(['SUCCESS', 'FAILURE']) });

/**
 * The body goes in as the bytes that came: written anew, 1.10 would become 1.1
 * and the signature would no longer match. It has been read as one JSON object
 * before, or a body such as `{},"webhook_id":"…"` would write fields of the question.
 */
function spliceQuestion({ transmission, certificateUrl, webhookId, body }: PostbackQuestion): Buffer {
  const fields = JSON.stringify({
    auth_algo: 'SHA256withRSA',
    cert_url: certificateUrl,
    transmission_id: transmission.id,
    transmission_sig: transmission.signature,
    transmission_time: transmission.timeText,
    webhook_id: webhookId,
  });
  return Buffer.concat([Buffer.from(`${fields.slice(0, -1)},"webhook_event":`), body, Buffer.from('}')]);
}

function isJsonObject(body: Buffer): boolean {
  const json = readJson(body);
  return json.kind === 'json' && typeof json.value === 'object' && json.value !== null && !Array.isArray(json.value);
}

function readAnswer(response: { readonly status: number; readonly body: Buffer }): PostbackAnswer {
  if (response.status !== 200)
    return { kind: 'unknown', reason: `PayPal answered the postback with ${response.status}` };
  const json = readJson(response.body);
  const parsed = answer.safeParse(json.kind === 'json' ? json.value : undefined);
  if (!parsed.success) return { kind: 'unknown', reason: 'PayPal answered the postback with something unreadable' };
  return parsed.data.verification_status === 'SUCCESS'
    ? { kind: 'genuine' }
    : { kind: 'forged', reason: 'PayPal says the signature does not match' };
}
