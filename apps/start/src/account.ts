import Table from 'cli-table3';
import { formatMoney } from '@penstock/core/money';
import { deadEvents } from '@penstock/db/ledger';
import { findPayments } from '@penstock/db/payments';
import type { Demonstration } from './demonstration.ts';
import type { RunningSystem } from './system.ts';
import { print, styled } from './terminal.ts';

/** Whether everything came out as it must. */
export interface Account {
  readonly unexpected: readonly string[];
}

/** Prints what was sent, what was answered, what the payments are now, and what died. Returns what was not as expected. */
export async function giveAccount(system: RunningSystem, demonstration: Demonstration): Promise<Account> {
  const { demo, exchanges, states } = demonstration;
  const unexpected: string[] = [];

  print(`\n${styled('bold', 'What was sent, and what was answered')}`);
  const sent = table(['', 'provider', 'event', 'why', 'answer']);
  for (const [index, { request, status, word, asExpected }] of exchanges.entries()) {
    sent.push([
      String(index + 1),
      request.endpoint.replace('demo-', ''),
      request.type,
      request.about,
      mark(asExpected, `${status} ${word}`),
    ]);
    if (!asExpected)
      unexpected.push(
        `request ${index + 1} (${request.type}) was answered ${status} ${word}, not ${request.expected.status} ${request.expected.word}`,
      );
  }
  print(sent.toString());

  print(`\n${styled('bold', 'What the payments are')}`);
  const payments = table(['payment', 'status', 'amount', 'captured', 'refunded', 'dispute', 'facts']);
  for (const [position, id] of demo.paymentIds.entries()) {
    const [payment] = await findPayments(system.db, id);
    const wanted = expectedPayments[position];
    const found = payment === undefined ? 'missing' : describe(payment);
    payments.push(
      payment === undefined
        ? [id, 'missing']
        : [
            payment.id,
            payment.status,
            money(payment.amount, payment.currency),
            money(payment.amount_captured, payment.currency),
            money(payment.amount_refunded, payment.currency),
            payment.dispute_state,
            String(payment.version),
          ],
    );
    if (found !== wanted) unexpected.push(`payment ${id} is ${found}, not ${wanted ?? 'expected at all'}`);
  }
  print(payments.toString());

  print(`\n${styled('bold', 'What is dead')}`);
  for (const event of await deadEvents(system.db, [...demo.expectedStates.keys()])) {
    print(`  ${event.eventId}  ${event.type}  after ${event.attempts} attempt${event.attempts === 1 ? '' : 's'}`);
    print(`  ${styled('red', event.code ?? 'unknown')}  ${event.message ?? ''}`);
  }

  for (const [id, state] of demo.expectedStates) {
    const found = states.get(id) ?? 'not in the ledger';
    if (found !== state) unexpected.push(`event ${id} is ${found}, not ${state}`);
  }
  return { unexpected };
}

/** Prints where everything is. */
export function showAddresses(
  system: RunningSystem,
  details: {
    readonly home: string;
    readonly unserved: readonly { readonly name: string; readonly missing: readonly string[] }[];
  },
): void {
  print(`\n${styled('bold', 'Where everything is')}`);
  print(`  webhooks   ${styled('cyan', `${system.webhooksUrl}<endpoint>`)}`);
  for (const { name, missing } of details.unserved)
    print(styled('dim', `             ${name} is not served: ${missing.join(', ')} not set`));
  print(`  console    ${styled('cyan', system.consoleUrl)}  password: ${system.consolePassword}`);
  print(`             as an operator, who may replay and discard: ${system.operatorPassword}`);
  print(`  commands   . ${system.environmentFile}, then npx pnpm@12 payment <id>, dead report, replay …`);
  print(
    `  metrics    ${Object.entries(system.privateUrls)
      .map(([name, url]) => `${name} ${styled('cyan', `${url}/metrics`)}`)
      .join('\n             ')}`,
  );
  print(`  data, logs ${details.home}`);
}

/** Both lives end alike: captured in full, refunded in part, with a dispute open. */
const expectedPayments = [
  'captured 12000 EUR, refunded 3000, partial, dispute open',
  'captured 8000 USD, refunded 2500, partial, dispute open',
];

function describe(payment: {
  readonly status: string;
  readonly amount_captured: number;
  readonly currency: string | null;
  readonly amount_refunded: number;
  readonly refund_state: string;
  readonly dispute_state: string;
}): string {
  return `${payment.status} ${payment.amount_captured} ${payment.currency ?? '?'}, refunded ${payment.amount_refunded}, ${payment.refund_state}, dispute ${payment.dispute_state}`;
}

function money(amount: number | null, currency: string | null): string {
  return amount === null || currency === null ? '–' : formatMoney(amount, currency);
}

function mark(good: boolean, text: string): string {
  return good ? `${styled('green', '✓')} ${text}` : `${styled('red', '✗')} ${text}`;
}

function table(head: string[]): InstanceType<typeof Table> {
  const bare = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '  ',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  };
  return new Table({
    head: head.map((title) => styled('dim', title)),
    chars: bare,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
}
