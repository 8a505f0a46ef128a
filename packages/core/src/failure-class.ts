/** Whose matter a dead letter is: few words that its many fingerprints fall into. */
export const failureClasses = [
  /** A handler of the configuration threw, or took too long. */
  'handler',
  /** The bytes are not what the provider documents, or no delivery at all. */
  'malformed',
  /** The provider's API denied the event, refused us, or was away for a day. */
  'provider',
  /** It ended its workers, or lost them too often. */
  'crash',
  /** This version or its configuration lacks what the event takes. */
  'configuration',
  /** PostgreSQL refused a statement of ours. */
  'database',
  'other',
] as const;
export type FailureClass = (typeof failureClasses)[number];

const classOfCode: ReadonlyMap<string, FailureClass> = new Map([
  ['handler_failed', 'handler'],
  ['handler_timeout', 'handler'],
  ['handler_late', 'handler'],
  ['malformed_event', 'malformed'],
  ['malformed_amount', 'malformed'],
  ['malformed_delivery', 'malformed'],
  ['event_unconfirmed', 'provider'],
  ['paypal_token_refused', 'provider'],
  ['paypal_token_unreadable', 'provider'],
  ['worker_crashed', 'crash'],
  ['job_abandoned', 'crash'],
  ['provider_unknown', 'configuration'],
  ['endpoint_unknown', 'configuration'],
  ['configuration_invalid', 'configuration'],
]);

/** PostgreSQL, Appendix A: five of A to Z and 0 to 9, of which the first two are the class. Node's EPIPE and EPERM are five letters. */
const sqlstate = /^(?!E[A-Z]{4}$)[0-9A-Z]{5}$/;

/**
 * The class of a failure by its code. A failure of a handler is a handler's,
 * whatever its code: the code is then the handler's own.
 */
export function failureClassOf(code: string, thrownBy: { readonly handler: boolean }): FailureClass {
  if (thrownBy.handler) return 'handler';
  const known = classOfCode.get(code);
  if (known !== undefined) return known;
  if (code.startsWith('provider_')) return 'provider';
  return sqlstate.test(code) ? 'database' : 'other';
}
