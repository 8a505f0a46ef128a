import { expect, test } from 'vitest';
import { budgetOf, worstIncidents } from './sla-report.ts';

const row = (events: number, late: number) => ({ provider: 'stripe', type: 'charge.succeeded', events, late });
const minute = (at: string, late: number, provider = 'stripe') => ({
  minute: new Date(`2026-01-01T${at}:00Z`),
  late,
  providers: [provider],
  mostSeconds: late * 10,
});

test.for([
  { rows: [], share: 1, left: 1 },
  { rows: [row(10_000, 0)], share: 1, left: 1 },
  { rows: [row(10_000, 5)], share: 0.9995, left: 0.5 },
  { rows: [row(5_000, 5), row(5_000, 5)], share: 0.999, left: 0 },
  { rows: [row(1_000, 3)], share: 0.997, left: -2 },
])('of $rows the share is $share and $left of the budget is left', ({ rows, share, left }) => {
  const budget = budgetOf(rows);
  expect(budget.share).toBeCloseTo(share, 9);
  expect(budget.left).toBeCloseTo(left, 6);
});

test('late minutes with no more than five between them are one incident; the worst comes first', () => {
  const incidents = worstIncidents([
    minute('10:00', 2),
    minute('10:06', 3, 'paypal'),
    minute('10:13', 1),
    minute('12:00', 9),
  ]);
  expect(
    incidents.map(({ from, to, late, providers, mostSeconds }) => [from, to, late, providers, mostSeconds]),
  ).toEqual([
    [new Date('2026-01-01T12:00:00Z'), new Date('2026-01-01T12:01:00Z'), 9, ['stripe'], 90],
    [new Date('2026-01-01T10:00:00Z'), new Date('2026-01-01T10:07:00Z'), 5, ['paypal', 'stripe'], 30],
    [new Date('2026-01-01T10:13:00Z'), new Date('2026-01-01T10:14:00Z'), 1, ['stripe'], 10],
  ]);
});
