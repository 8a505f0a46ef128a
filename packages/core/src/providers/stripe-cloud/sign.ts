/** An event as EventBridge wraps it, and the header that its connection sends. */
export function wrapForEventBridge(options: { readonly event: Buffer; readonly token: string }): {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
} {
  const event = options.event.toString('utf8');
  const body = Buffer.from(
    `{"version":"0","id":"c071bfbf-83c4-49ca-a6ff-3df053957145","detail-type":"stripe","source":"aws.partner/stripe.com","detail":${event}}`,
  );
  return { body, headers: { 'content-type': 'application/json', authorization: `Bearer ${options.token}` } };
}
