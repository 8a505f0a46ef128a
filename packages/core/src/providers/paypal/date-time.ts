const RFC3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?(?:Z|[+-]\d{2}:\d{2})$/;

/** Reads a date-time written as RFC 3339 asks, which is how PayPal writes its own; null for anything else, such as a bare date. */
export function readDateTime(text: string): Date | null {
  const time = new Date(text);
  return RFC3339.test(text) && !Number.isNaN(time.getTime()) ? time : null;
}
