import { parseSettings } from '../../provider-settings.ts';
import { challengePattern } from './form.ts';
import { settingsSchema } from './key-pair.ts';
import { signBraintreePayload } from './sign.ts';

/**
 * Answers the GET by which Braintree asks, when a webhook is added in its
 * control panel, whether a merchant of its own listens there: the challenge
 * signed with the first of the key pairs. Source: braintree
 * webhook_notification_gateway.js verify.
 */
export function createBraintreeChallengeResponder(settings: unknown): (query: URLSearchParams) => string | null {
  const { secrets } = parseSettings(settingsSchema, settings);
  const secret = secrets[0]?.value ?? '';
  return (query) => {
    const challenges = query.getAll('bt_challenge');
    const [challenge = ''] = challenges;
    if (challenges.length !== 1 || !challengePattern.test(challenge)) return null;
    return signBraintreePayload({ payload: challenge, secret });
  };
}
