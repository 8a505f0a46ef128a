import type { Confirmer, UnconfirmedEvent } from './confirmation.ts';
import { askProvider, type ApiQuestion } from './provider-api.ts';
import type { ProviderEffects } from './provider.ts';

/** What an event is about, and where the provider's API tells of it. */
export interface Subject extends ApiQuestion {
  /** Whether an answer, parsed, is about this very thing. */
  readonly isIn: (answer: unknown) => boolean;
}

/**
 * A confirmer that fetches what an event names and believes the answer alone.
 * `subjectOf` gives null for an event that says nothing to act upon.
 */
export function fetchingConfirmer(
  effects: ProviderEffects,
  subjectOf: (event: UnconfirmedEvent) => Subject | null,
): Confirmer {
  return (event) => {
    const subject = subjectOf(event);
    if (subject === null) return null;
    const { isIn, ...question } = subject;
    return async () => {
      const answer = await askProvider(effects, question);
      if (answer.kind === 'absent') return { kind: 'denied', reason: "the provider's API knows no such thing" };
      return isIn(parse(answer.body))
        ? { kind: 'confirmed', answer: answer.body, source: question.url }
        : { kind: 'denied', reason: "the provider's API answered with something else" };
    };
  };
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
