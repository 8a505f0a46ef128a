import * as z from 'zod';

/**
 * An amount as Paddle renders one: the lowest denomination of the currency in
 * digits, so `"1000"` is 10 USD and `"100"` is 100 JPY. The denominations are
 * those of ISO 4217. Source: developer.paddle.com/api-reference/currencies.
 */
export const paddleAmount = z
  .string()
  .regex(/^\d{1,15}$/, 'must be an amount in the lowest denomination')
  .transform(Number);

export const paddleCurrency = z.string().regex(/^[A-Z]{3}$/);
