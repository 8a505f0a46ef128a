import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PermanentError } from './failure.ts';
import { formatMoney, minorUnits, minorUnitsOfNumber, stripeMinorUnits } from './money.ts';

const malformed = expect.objectContaining({ name: 'PermanentError', code: 'malformed_amount' });

describe('minorUnits', () => {
  it.each([
    ['10.5', 'EUR', 1050],
    ['100', 'EUR', 10_000],
    ['-3.00', 'USD', -300],
    ['0.29', 'USD', 29],
    ['1.1', 'USD', 110],
    ['100', 'HUF', 10_000],
    ['100', 'JPY', 100],
    ['100.00', 'JPY', 100],
    ['1.234', 'KWD', 1234],
    ['1', 'CLF', 10_000],
    ['2.5', 'XXQ', 250],
    ['90071992547409.91', 'EUR', Number.MAX_SAFE_INTEGER],
  ])('reads %s %s as %d minor units', (decimal, currency, minor) => {
    expect(minorUnits(decimal, currency)).toBe(minor);
  });

  it('reads minus nothing as nothing, without a sign', () => {
    expect(Object.is(minorUnits('-0.00', 'EUR'), 0)).toBe(true);
  });

  it.each([
    '',
    '.5',
    '5.',
    '+5',
    '1,000.00',
    '1e3',
    '0x10',
    ' 5',
    '5 ',
    'NaN',
    '--5',
    '٣',
    '1.005',
    '5.00.00',
    '90071992547409.92',
    '9'.repeat(65),
  ])('refuses %j, without repeating it', (decimal) => {
    expect(() => minorUnits(decimal, 'EUR')).toThrow(malformed);
    if (decimal.length > 2) expect(() => minorUnits(decimal, 'EUR')).not.toThrow(decimal);
  });

  it('refuses fraction digits the currency does not have', () => {
    expect(() => minorUnits('100.5', 'JPY')).toThrow(malformed);
    expect(() => minorUnits('1.2345', 'KWD')).toThrow(malformed);
  });

  it('refuses a currency that is not three letters', () => {
    for (const currency of ['', 'EU', 'EURO', '978', '__proto__'])
      expect(() => minorUnits('1', currency)).toThrow(malformed);
  });

  it('gives back every amount that formatMoney writes', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.constantFrom('EUR', 'JPY', 'KWD', 'CLF', 'ISK', 'MGA'), (minor, currency) => {
        const [decimal = '', code = ''] = formatMoney(minor, currency).split(' ');
        expect(minorUnits(decimal, code)).toBe(minor);
      }),
    );
  });

  it('throws nothing but PermanentError, whatever the text', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (decimal, currency) => {
        try {
          expect(Number.isSafeInteger(minorUnits(decimal, currency))).toBe(true);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(PermanentError);
        }
      }),
    );
  });
});

describe('minorUnitsOfNumber', () => {
  it.each([
    [10.5, 'EUR', 1050],
    [0.29, 'USD', 29],
    [-3, 'USD', -300],
    [1500, 'JPY', 1500],
    [999_999_999_999_999, 'JPY', 999_999_999_999_999],
  ])('reads %d %s as %d minor units', (amount, currency, minor) => {
    expect(minorUnitsOfNumber(amount, currency)).toBe(minor);
  });

  it('refuses what a number does not hold exactly, in any direction', () => {
    for (const amount of [1e15, -1e15, Number.NaN, Number.POSITIVE_INFINITY, 0.1 + 0.2, 1e-7])
      expect(() => minorUnitsOfNumber(amount, 'JPY')).toThrow(malformed);
  });
});

describe('stripeMinorUnits', () => {
  it('keeps amounts of currencies where Stripe and ISO 4217 agree', () => {
    expect(stripeMinorUnits(1099, 'usd')).toBe(1099);
    expect(stripeMinorUnits(500, 'jpy')).toBe(500);
    expect(stripeMinorUnits(5120, 'kwd')).toBe(5120);
  });

  it('takes the two decimals off krónur and shillings that Stripe adds', () => {
    expect(stripeMinorUnits(500, 'isk')).toBe(5);
    expect(stripeMinorUnits(120_000, 'UGX')).toBe(1200);
  });

  it('adds the two decimals to ariary that Stripe leaves out', () => {
    expect(stripeMinorUnits(5, 'mga')).toBe(500);
  });

  it('refuses fractions where there can be none, and what is not a safe integer', () => {
    expect(() => stripeMinorUnits(550, 'isk')).toThrow(malformed);
    expect(() => stripeMinorUnits(10.5, 'usd')).toThrow(malformed);
    expect(() => stripeMinorUnits(Number.MAX_SAFE_INTEGER, 'mga')).toThrow(malformed);
  });
});

describe('formatMoney', () => {
  it.each([
    [1234, 'EUR', '12.34 EUR'],
    [5, 'EUR', '0.05 EUR'],
    [0, 'USD', '0.00 USD'],
    [-300, 'USD', '-3.00 USD'],
    [-5, 'USD', '-0.05 USD'],
    [500, 'JPY', '500 JPY'],
    [0, 'JPY', '0 JPY'],
    [1234, 'kwd', '1.234 KWD'],
    [1, 'CLF', '0.0001 CLF'],
  ])('writes %d %s as %s', (minor, currency, text) => {
    expect(formatMoney(minor, currency)).toBe(text);
  });

  it('refuses a fraction of a minor unit', () => {
    expect(() => formatMoney(0.5, 'EUR')).toThrow(malformed);
  });
});
