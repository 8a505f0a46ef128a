import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonShapeProblem } from './json-shape.ts';

const filler = `"${'x'.repeat(70_000)}"`;
const nested = (levels: number): string => `${'['.repeat(levels)}${filler}${']'.repeat(levels)}`;
const problemOf = (text: string): string | null => jsonShapeProblem(Buffer.from(text));

describe('JSON that would cost too much to parse', () => {
  test('is nested too deep', () => {
    expect(problemOf(nested(128))).toBeNull();
    expect(problemOf(nested(129))).toMatch('deeper than 128');
    expect(problemOf('{"a":'.repeat(100_000))).toMatch('deeper than 128');
    expect(problemOf('['.repeat(10 * 1024 * 1024))).toMatch('deeper than 128');
  });

  test('is made of too many parts', () => {
    for (const part of ['{},', '[],']) {
      expect(problemOf(`[${part.repeat(199_999)}1]`)).toBeNull();
      expect(problemOf(`[${part.repeat(200_000)}1]`)).toMatch('more than 200000');
    }
  });

  test('is not what only holds brackets in its strings, escaped quotation marks among them', () => {
    expect(problemOf(JSON.stringify({ text: '['.repeat(300_000), more: '\\"[['.repeat(50_000) }))).toBeNull();
  });

  test('is found behind a string that ends in a backslash', () => {
    for (const text of ['\\\\', '\\"', '\\\\\\"', 'x'])
      expect(problemOf(`["${text}",${nested(128)}]`), text).toMatch('deeper than 128');
  });

  test('is never small, nor what any usual document is', () => {
    expect(problemOf('['.repeat(65_535))).toBeNull();
    expect(problemOf('['.repeat(65_536))).toMatch('deeper than 128');
    fc.assert(
      fc.property(fc.json({ maxDepth: 20 }), (text) => {
        expect(problemOf(`[${text},${filler}]`)).toBeNull();
      }),
      { numRuns: 50 },
    );
  });
});
