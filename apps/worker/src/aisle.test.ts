import { expect, test } from 'vitest';
import { openAisle } from './aisle.ts';

test('what runs alone waits for what is in hand, and holds back what comes after it; turns are kept', async () => {
  const aisle = openAisle();
  const log: string[] = [];
  const gates = new Map(['a', 'b', 'suspect', 'c', 'd'].map((name) => [name, Promise.withResolvers<void>()]));
  const work = (name: string) => async () => {
    log.push(`${name} begins`);
    await gates.get(name)?.promise;
    log.push(`${name} ends`);
  };
  const settled = async (...names: string[]): Promise<void> => {
    for (const name of names) gates.get(name)?.resolve();
    await new Promise(setImmediate);
  };
  const all = [
    aisle.beside(work('a')),
    aisle.beside(work('b')),
    aisle.alone(work('suspect')),
    aisle.beside(work('c')),
    aisle.beside(work('d')),
  ];
  await settled();
  expect(log).toEqual(['a begins', 'b begins']);
  await settled('b');
  expect(log).toEqual(['a begins', 'b begins', 'b ends']);
  await settled('a');
  expect(log.slice(3)).toEqual(['a ends', 'suspect begins']);
  await settled('suspect');
  expect(log.slice(5)).toEqual(['suspect ends', 'c begins', 'd begins']);
  await settled('c', 'd');
  await Promise.all(all);
});

test('work that throws gives its place back', async () => {
  const aisle = openAisle();
  const fail = async (): Promise<never> => {
    throw new Error('no');
  };
  await expect(aisle.alone(fail)).rejects.toThrow('no');
  await expect(aisle.beside(fail)).rejects.toThrow('no');
  expect(await aisle.alone(async () => 'done')).toBe('done');
});
