/** What a body says it is a snapshot of. */
export interface ShopifyResource {
  /** `Order`, `Refund`, `Product`, … */
  readonly kind: string;
  /** In digits: test notifications have ids beyond what a number holds. */
  readonly id: string;
}

/**
 * Reads the resource's global id, which the signature covers with the rest of
 * the body; null where the payload has none. Source: shopify.dev/docs/api/usage/gids.
 */
export function shopifyResource(globalId: unknown): ShopifyResource | null {
  const { kind, id } =
    typeof globalId === 'string'
      ? (/^gid:\/\/shopify\/(?<kind>[A-Za-z]{1,64})\/(?<id>\d{1,20})$/.exec(globalId)?.groups ?? {})
      : {};
  return kind === undefined || id === undefined ? null : { kind, id };
}
