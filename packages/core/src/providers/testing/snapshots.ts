import { foldPayment, type PaymentState } from '../../payment.ts';
import type { PaymentFact } from '../../payment-event.ts';
import type { Provider, ProviderEffects } from '../../provider.ts';
import { snapshotEvent, translateSnapshot } from '../../snapshot.ts';

const askedAt = new Date('2026-03-01T12:00:00Z');

/** What asking about a payment comes to, for tests of snapshots: the name that answered, and the facts of its event. */
export async function fetchFacts(
  { snapshots }: Provider,
  asking: {
    readonly settings: Readonly<Record<string, unknown>>;
    readonly effects: ProviderEffects;
    readonly names: readonly string[];
  },
): Promise<{ readonly name: string; readonly facts: readonly PaymentFact[] } | null> {
  const ask = snapshots?.createSnapshotter(asking.settings, asking.effects);
  const told = await ask?.({ names: asking.names, providerAccount: null })?.(askedAt);
  if (snapshots === undefined || told?.kind !== 'found') return null;
  const { body } = snapshotEvent({ ...told, asOf: askedAt });
  return { name: told.name, facts: translateSnapshot(snapshots, body) };
}

/** A payment as events tell it, and as it stands once it was fetched; `before` happens in the minute before. */
export function settle(
  before: readonly PaymentFact[],
  fetched: readonly PaymentFact[],
): { readonly before: PaymentState; readonly after: PaymentState } {
  const known = before.map((fact, ordinal) => {
    const occurredAtMs = askedAt.getTime() - 60_000 + ordinal * 1_000;
    return { eventId: 'evt_1', ordinal, fact: { ...fact, occurredAtMs } };
  });
  const told = fetched.map((fact, ordinal) => ({ eventId: 'snapshot-1', ordinal, fact }));
  return { before: foldPayment(known).payment, after: foldPayment([...told, ...known]).payment };
}
