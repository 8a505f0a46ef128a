/** The endpoint whose events are the canary's: they are no provider's and count for nobody. */
export const CANARY_ENDPOINT = 'canary';
