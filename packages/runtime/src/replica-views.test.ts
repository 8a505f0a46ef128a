import { expect, test } from 'vitest';
import { replicasInCluster, replicasKnownToSentinels, type SentinelView } from './replica-views.ts';

const alive = (name: string) => ({ name, alive: true });
const down = (name: string) => ({ name, alive: false });
const view = (...replicas: SentinelView['replicas']): SentinelView => ({ sentinels: 3, replicas });

test.each([
  ['all alive', [view(alive('a'), alive('b')), view(alive('a'), alive('b'))], 2],
  ['one down for all', [view(alive('a'), down('b')), view(alive('a'), down('b'))], 1],
  ['one down for some', [view(alive('a'), down('b')), view(alive('a'), alive('b'))], 2],
  ['known to one sentinel only', [view(alive('a')), view(alive('a'), alive('b'))], 2],
  ['a minority that calls one down', [view(alive('a'), down('b'))], 2],
  ['no sentinel', [], null],
])('%s', (_, views, count) => {
  expect(replicasKnownToSentinels(views)).toBe(count);
});

const nodes = [
  'aaa 10.0.0.1:6379@16379 myself,master - 0 0 1 connected 0-8191',
  'bbb 10.0.0.2:6379@16379 master - 0 0 2 connected 8192-16383',
  'a-1 10.0.0.3:6379@16379 slave aaa 0 0 1 connected',
  'a-2 10.0.0.4:6379@16379 slave,fail? aaa 0 0 1 connected',
  'a-3 10.0.0.5:6379@16379 slave,fail aaa 0 0 1 disconnected',
  'b-1 10.0.0.6:6379@16379 slave bbb 0 0 2 connected',
  'old 10.0.0.7:6379@16379 master,fail - 0 0 0 disconnected',
  '',
].join('\n');

test('of a cluster those count that follow this master and that no majority calls failed', () => {
  expect(replicasInCluster(nodes)).toBe(2);
});
