/** What does not add up about a payment or an event, and by what it came to light. */
export const conflictKinds = [
  'illegal_transition',
  'amounts_disagree',
  'missing_parent',
  'collision',
  'unsigned_disagreement',
] as const;
export type ConflictKind = (typeof conflictKinds)[number];

/** Why, for machines. Stable. */
const conflictCodes = [
  'status_after_capture',
  'status_after_canceled',
  'refunded_more_than_captured',
  'currency_mismatch',
  'payment_unknown',
  'event_id_collision',
  'transmission_id_collision',
  'body_disagrees',
] as const;
export type ConflictCode = (typeof conflictCodes)[number];

/** The reason as a sentence, with what it names in this case. A code of another version is given as it is. */
export function explainConflict(conflict: { readonly code: string; readonly detail: string }): string {
  const code = conflictCodes.find((known) => known === conflict.code);
  const sentence = code === undefined ? conflict.code : sentences[code];
  return conflict.detail === '' ? `${sentence}.` : `${sentence}: ${conflict.detail}.`;
}

const sentences = {
  status_after_capture: 'After its money was captured the payment was told to be in a state without it',
  status_after_canceled: 'After it was canceled or had expired the payment was told to be alive',
  refunded_more_than_captured: 'More was refunded than captured, in minor units',
  currency_mismatch: 'Its events name several currencies',
  payment_unknown: 'A refund or a dispute is known, and the payment is not',
  event_id_collision: 'Two bodies came under one event id; the second was put aside and never applied',
  transmission_id_collision:
    'The headers of one transmission came with another body, which was put aside and never applied',
  body_disagrees: "The event's own body says something else than the provider's API did; the API was believed",
} as const satisfies Record<ConflictCode, string>;
