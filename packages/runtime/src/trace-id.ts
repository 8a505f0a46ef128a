/** The trace id of a W3C `traceparent` (www.w3.org/TR/trace-context, version 00); undefined where it has none. */
export function traceIdOf(traceparent: string | string[] | undefined): string | undefined {
  if (typeof traceparent !== 'string') return undefined;
  const id = /^[0-9a-f]{2}-(?<id>[0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent)?.groups?.['id'];
  return id === '0'.repeat(32) ? undefined : id;
}
