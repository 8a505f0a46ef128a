import { moneyMoved, type MoneyMoved } from '@penstock/core/money-moved';
import { foldPayment, foldPayout, type KeyedFact, type PaymentFamily, type PayoutState } from '@penstock/core/payment';
import { settleEventConflicts, settlePaymentConflicts } from './conflicts.ts';
import type { LedgerTransaction } from './database.ts';
import { writeDisputes } from './disputes.ts';
import { factsOfPayments, factsOfPayout, storeFacts } from './payment-facts.ts';
import { lockNames, mergeIntoPayment, namePayment, namesOf, paymentsNamed } from './payment-references.ts';
import { deletePayments, insertPayment, lockPayments, updatePayment } from './payments.ts';
import { writePayout } from './payouts.ts';
import { writeRefunds } from './refunds.ts';

/** An event whose facts are to be applied. */
export interface FactSource {
  /** The event's key in the ledger. */
  readonly eventId: number;
  readonly account: string;
  readonly provider: string;
  readonly facts: readonly KeyedFact[];
}

/** What an event's facts changed, as it stands with them. */
export interface Applied {
  readonly payments: readonly AppliedPayment[];
  readonly payouts: readonly PayoutState[];
  /** To be counted once this is committed. Facts that were known before move nothing. */
  readonly moved: readonly MoneyMoved[];
}

export interface AppliedPayment extends PaymentFamily {
  /** The payment's key in the ledger. */
  readonly key: number;
}

/**
 * Adds an event's facts to what is known and folds anew every payment and
 * payout they concern. The result depends on the set of facts alone: not on
 * their order, nor on how often this is called with one of them.
 *
 * Locks names, then payments, each in a fixed order, until the transaction ends.
 */
export async function applyFacts(tx: LedgerTransaction, source: FactSource): Promise<Applied> {
  if (source.facts.length === 0) return { payments: [], payouts: [], moved: [] };
  const names = source.facts.flatMap(({ fact }) => (fact.kind === 'payout' ? [`payout:${fact.id}`] : namesOf(fact)));
  await lockNames(tx, { account: source.account, names });
  const applied: { payments: AppliedPayment[]; payouts: PayoutState[]; moved: MoneyMoved[] } = {
    payments: [],
    payouts: [],
    moved: [],
  };
  for (const family of familiesOf(source.facts)) {
    const { payment, moved } = await applyToPayment(tx, { ...source, facts: family.facts }, family.names);
    applied.payments.push(payment);
    applied.moved.push(...moved);
  }
  for (const [id, facts] of payouts(source.facts))
    applied.payouts.push(await applyToPayout(tx, { ...source, facts }, id));
  return applied;
}

async function applyToPayment(
  tx: LedgerTransaction,
  source: FactSource,
  names: readonly string[],
): Promise<{ readonly payment: AppliedPayment; readonly moved: readonly MoneyMoved[] }> {
  const { account, provider } = source;
  const { keys, inConflict } = await lockPaymentsNamed(tx, { account, names });
  const known = await factsOfPayments(tx, keys);
  const family = foldPayment([...known, ...source.facts]);

  const [survivor, ...merged] = keys;
  await mergeIntoPayment(tx, { survivor: survivor ?? 0, merged });
  await deletePayments(tx, merged);
  const paymentKey = survivor ?? (await insertPayment(tx, { account, provider, state: family.payment }));
  if (survivor !== undefined) await updatePayment(tx, survivor, family.payment);

  await namePayment(tx, { account, names, paymentKey });
  await storeFacts(tx, { eventId: source.eventId, account, owner: { paymentKey }, facts: source.facts });
  await writeRefunds(tx, { account, paymentKey, refunds: family.refunds });
  await writeDisputes(tx, { account, paymentKey, disputes: family.disputes });
  if (inConflict || family.payment.conflict !== null || family.payment.needsFetch)
    await settlePaymentConflicts(tx, { keys: [paymentKey, ...merged], eventId: source.eventId });
  if (source.facts.some(({ fact }) => fact.snapshot === true))
    await settleEventConflicts(tx, { paymentKey, eventId: source.eventId });
  const before = [...Map.groupBy(known, (fact) => fact.paymentKey).values()].map((facts) => foldPayment(facts));
  return { payment: { key: paymentKey, ...family }, moved: moneyMoved(before, [family]) };
}

/**
 * Locks the payments that go by these names. While waiting for a lock, another
 * transaction may merge payments; then the names lead elsewhere and the look
 * is taken again. Each round means that a merge was committed, of which a
 * payment sees a handful in its life.
 */
async function lockPaymentsNamed(
  tx: LedgerTransaction,
  options: { readonly account: string; readonly names: readonly string[] },
): Promise<{ readonly keys: readonly number[]; readonly inConflict: boolean }> {
  for (;;) {
    const found = await paymentsNamed(tx, options);
    // Their names are locked: where they lead to no payment there is nothing to wait for.
    if (found.length === 0) return { keys: [], inConflict: false };
    const { inConflict } = await lockPayments(tx, found);
    const current = await paymentsNamed(tx, options);
    if (found.join() === current.join()) return { keys: current, inConflict };
  }
}

async function applyToPayout(tx: LedgerTransaction, source: FactSource, id: string): Promise<PayoutState> {
  const { account, provider } = source;
  const state = foldPayout([...(await factsOfPayout(tx, { account, id })), ...source.facts]);
  await storeFacts(tx, { eventId: source.eventId, account, owner: { payoutId: id }, facts: source.facts });
  await writePayout(tx, { account, provider, state });
  return state;
}

interface Family {
  readonly names: readonly string[];
  readonly facts: readonly KeyedFact[];
}

/** Splits one event's facts by payment: facts that share a name belong together. Payouts are of none. */
export function familiesOf(facts: readonly KeyedFact[]): readonly Family[] {
  let result: readonly Family[] = [];
  for (const keyed of facts) {
    if (keyed.fact.kind === 'payout') continue;
    const names = namesOf(keyed.fact);
    const related = result.filter((family) => family.names.some((name) => names.includes(name)));
    const joined = {
      names: [...new Set([...related.flatMap((family) => family.names), ...names])],
      facts: [...related.flatMap((family) => family.facts), keyed],
    };
    result = [...result.filter((family) => !related.includes(family)), joined];
  }
  return result;
}

function payouts(facts: readonly KeyedFact[]): ReadonlyMap<string, readonly KeyedFact[]> {
  const byId = new Map<string, readonly KeyedFact[]>();
  for (const keyed of facts) {
    if (keyed.fact.kind === 'payout') byId.set(keyed.fact.id, [...(byId.get(keyed.fact.id) ?? []), keyed]);
  }
  return byId;
}
