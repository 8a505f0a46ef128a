import { expect, test } from 'vitest';
import { maskJobData, maskJobValue } from './mask-board.ts';

const payload = { id: 'evt_1', amount: 1_250, customer: { name: 'Jane Doe', email: 'jane@example.com', id: 'cus_1' } };
const shown = {
  id: 'evt_1',
  amount: 1_250,
  customer: { name: '[masked]', email: expect.stringMatching(/^email:[0-9a-f]{12}$/), id: 'cus_1' },
};

test.each(['utf8', 'base64'] as const)(
  'the body of a delivery is shown as what it is, less the person (%s)',
  (encoding) => {
    const data = Buffer.from(JSON.stringify(payload)).toString(encoding);
    const delivery = { v: 1, eventId: 'evt_1', receivedAt: '2026-01-01T00:00:00.000Z', body: { encoding, data } };
    expect(maskJobData(delivery)).toEqual({ ...delivery, body: shown });
  },
);

test('a job that is no delivery, and a value of any kind, are masked as they are', () => {
  expect(maskJobData(payload)).toEqual(shown);
  expect(maskJobData({ body: 'call +44 20 7946 0958' })).toEqual({ body: expect.stringMatching(/^call phone:/) });
  expect(maskJobValue('processed')).toBe('processed');
  expect(maskJobValue(undefined)).toBeUndefined();
  expect(maskJobValue(null)).toBeNull();
});
