import { createHmac } from 'node:crypto';
import * as z from 'zod';

/** A secret with the time in which it is accepted. */
export interface RotatingSecret {
  readonly value: string;
  /** Stands in logs and metrics as the key id; {@link keyNameOf} the secret where none is given. */
  readonly name: string;
  readonly notBefore: Date | null;
  readonly notAfter: Date | null;
}

const bareSecret = z
  .string({ error: 'must be text' })
  .regex(/^[\x21-\x7e]{6,512}$/, 'must be 6 to 512 printable ASCII characters without spaces');

const instant = z.iso
  .datetime({ offset: true, error: 'must be an ISO 8601 time with a zone' })
  .transform((text) => new Date(text));

const dated = z.strictObject({
  value: bareSecret,
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be 1 to 63 lower-case letters, digits and hyphens')
    .optional(),
  notBefore: instant.optional(),
  notAfter: instant.optional(),
});

/**
 * The signing secrets of an endpoint, newest first. While one is rolled both
 * are listed, the old one with the `notAfter` until which the provider, and
 * the retries of its older deliveries, may still use it.
 */
export const rotatingSecrets = z
  .array(z.union([bareSecret, dated], { error: 'must be a secret, or { value, name?, notBefore?, notAfter? }' }))
  .min(1, 'must name at least one signing secret')
  .max(10, 'must name at most ten signing secrets')
  .transform((secrets): readonly RotatingSecret[] =>
    secrets.map((secret) => {
      const { value, name, notBefore, notAfter } =
        typeof secret === 'string'
          ? { value: secret, name: undefined, notBefore: undefined, notAfter: undefined }
          : secret;
      return {
        value,
        name: name ?? keyNameOf(value),
        notBefore: notBefore ?? null,
        notAfter: notAfter ?? null,
      };
    }),
  )
  .refine((secrets) => new Set(secrets.map(({ name }) => name)).size === secrets.length, {
    error: 'must not name one secret twice',
  });

/**
 * The name of a secret that was given none: `key-` and the first 24 bits of an
 * HMAC under it, so that it keeps its name when another is put before it, and
 * an operator sees which is meant. 24 bits confirm no guess of a secret that a
 * provider made at random; one that people made up had better be given a name.
 */
export function keyNameOf(secret: string): string {
  return `key-${createHmac('sha256', secret).update('penstock key id').digest('hex').slice(0, 6)}`;
}

/** Those accepted at this time, in their order. */
export function secretsActiveAt(secrets: readonly RotatingSecret[], at: Date): readonly RotatingSecret[] {
  return secrets.filter(
    ({ notBefore, notAfter }) => (notBefore === null || at >= notBefore) && (notAfter === null || at <= notAfter),
  );
}
