import { expect, test } from 'vitest';
import { compatibilityOf } from './compatibility.ts';

const expand = '0012_add_new_name';
const contract = '0014_contract_after_0012_drop_old_name';

test('a version runs on a schema with everything it brings, and with what newer versions only added', () => {
  const known = ['0011_a', expand];
  expect(compatibilityOf({ known, applied: known })).toEqual({ missing: [], unknown: [], takenAway: [], breaking: [] });
  const applied = [...known, '0013_more'];
  expect(compatibilityOf({ known, applied })).toMatchObject({ unknown: ['0013_more'], takenAway: [] });
});

test('a version does not run on a schema that lacks a migration of its own', () => {
  expect(compatibilityOf({ known: ['0011_a', expand], applied: ['0011_a'] })).toMatchObject({ missing: [expand] });
});

test('what is taken away stops the versions that need it, and no others', () => {
  const applied = ['0011_a', expand, '0013_more', contract];
  expect(compatibilityOf({ known: ['0011_a'], applied }).takenAway).toEqual([contract]);
  expect(compatibilityOf({ known: ['0011_a', expand], applied }).takenAway).toEqual([]);
});

test('expanding and contracting in one run is told of, because the version that runs may need what goes', () => {
  const known = ['0011_a', expand, contract];
  expect(compatibilityOf({ known, applied: ['0011_a'] }).breaking).toEqual([contract]);
  expect(compatibilityOf({ known, applied: ['0011_a', expand] }).breaking).toEqual([]);
  expect(compatibilityOf({ known, applied: [] }).breaking).toEqual([]);
});
