import type { PaymentReference } from '../../payment-event.ts';
import type { PayPalRefund, PayPalTransaction } from './resources.ts';

type Kind = 'order' | 'authorization' | 'capture' | 'sale';

/**
 * Every name of its payment that a resource gives away: its own, the related
 * ids, and the parents it links to. A v1 `parent_payment` is none: it names a
 * checkout that no event is about.
 */
export function payPalReferences(
  own: PaymentReference | null,
  resource: Pick<PayPalTransaction | PayPalRefund, 'supplementary_data' | 'links' | 'sale_id' | 'capture_id'>,
): PaymentReference[] {
  const ids = resource.supplementary_data?.related_ids;
  const named = [
    own,
    referenceTo('capture', ids?.capture_id ?? resource.capture_id),
    referenceTo('sale', resource.sale_id),
    referenceTo('authorization', ids?.authorization_id),
    referenceTo('order', ids?.order_id),
    ...(resource.links ?? []).filter((link) => parentRelations.has(link.rel)).map((link) => linkedReference(link.href)),
  ];
  return [...new Set(named.filter((reference) => reference !== null))];
}

function referenceTo(kind: Kind, id: string | null | undefined): PaymentReference | null {
  return id === null || id === undefined || id === '' ? null : `${kind}:${id}`;
}

/** v2 links to any parent as `up`; v1 names what the parent is. */
const parentRelations: ReadonlySet<string> = new Set(['up', 'sale', 'capture', 'authorization', 'order']);

/** v2 writes collections in the plural, v1 in the singular (`/v1/payments/sale/ID`). */
function linkedReference(href: string): PaymentReference | null {
  const parts =
    /^https:\/\/[^/]+\/v[12]\/(?:payments|checkout)\/(?<collection>[a-z]+)\/(?<id>[A-Za-z0-9-]{1,64})$/.exec(
      href,
    )?.groups;
  const kind = collections.get(parts?.['collection'] ?? '');
  return kind === undefined ? null : referenceTo(kind, parts?.['id']);
}

const collections: ReadonlyMap<string, Kind> = new Map([
  ['captures', 'capture'],
  ['capture', 'capture'],
  ['sale', 'sale'],
  ['authorizations', 'authorization'],
  ['authorization', 'authorization'],
  ['orders', 'order'],
]);
