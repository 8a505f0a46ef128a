/** The caller's `X-Request-Id` where it can stand in logs and headers, else a new one. */
export function requestIdOf(header: string | readonly string[] | undefined, newId: () => string): string {
  return typeof header === 'string' && /^[\w.:=+/-]{1,128}$/.test(header) ? header : newId();
}
