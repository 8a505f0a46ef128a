import { expect, test } from 'vitest';
import { github } from './provider.ts';

test.each([
  '{"zen":"Design for failure.","hook_id":1}',
  '{"action":"purchased","marketplace_purchase":{"unit_count":1}}',
])('%s says nothing about payments', (body) => {
  expect(github.translate(Buffer.from(body))).toEqual([]);
});
