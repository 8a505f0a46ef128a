const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Anybody can send any method: beyond HTTP's own they are one. */
export function methodLabel(method: string): string {
  return knownMethods.has(method) ? method : 'other';
}
