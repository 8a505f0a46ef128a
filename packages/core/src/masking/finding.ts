/** What personal data is told apart as. */
export type FindingKind = 'email' | 'iban' | 'card' | 'phone';

/** A piece of a text that nobody else may read. */
export interface Finding {
  readonly kind: FindingKind;
  readonly start: number;
  readonly end: number;
}
