import * as z from 'zod';
import { rotatingSecrets } from '../../rotating-secrets.ts';
import { templateParts, templateProblems } from './template.ts';

const headerName = z
  .string({ error: 'must be a header name' })
  .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be a header name: letters, digits and hyphens')
  .transform((name) => name.toLowerCase());

const jsonPath = z
  .string({ error: 'must be a path' })
  .regex(/^[\w-]+(?:\.[\w-]+){0,9}$/, 'must be a path into the JSON body such as data.id');

const inHeader = z.strictObject({ header: headerName });
const inBody = z.strictObject({ path: jsonPath });

const element = z
  .string({ error: 'must be the text an element begins with' })
  .regex(/^[\x21-\x7e]{1,32}$/, 'must be the text an element begins with, such as t=');

const unit = z.enum(['s', 'ms'], { error: 'must be s or ms' });
const toleranceSeconds = z.int().min(1).max(86_400).default(300);

const scheme = z.strictObject({
  secrets: rotatingSecrets,
  /** How a secret is written; its bytes are the key. */
  secretEncoding: z.enum(['utf8', 'hex', 'base64'], { error: 'must be utf8, hex or base64' }).default('utf8'),
  algorithm: z.enum(['sha256', 'sha512', 'sha1'], { error: 'must be sha256, sha512 or sha1' }),
  signature: z.strictObject({
    header: headerName,
    /** What stands before the signature: `sha256=`, `v1=`. */
    prefix: z
      .string()
      .regex(/^[\x21-\x7e]{0,32}$/, 'must be at most 32 printable ASCII characters without spaces')
      .default(''),
    encoding: z.enum(['hex', 'base64'], { error: 'must be hex or base64' }),
    /** Where the header is a list, what parts its elements: each that begins with the prefix is a signature. */
    separator: z.enum([',', ';', ' '], { error: 'must be a comma, a semicolon or a space' }).optional(),
  }),
  /** The signed string: text with `{timestamp}`, `{body}` and `{id}` in it. */
  signed: z.string({ error: 'must be a template such as {timestamp}.{body}' }).min(1).max(2048),
  /** Where the signed time is: a header of its own, or the element of the signature's header that begins so. */
  timestamp: z
    .union(
      [
        z.strictObject({ header: headerName, unit, toleranceSeconds }),
        z.strictObject({ element, unit, toleranceSeconds }),
      ],
      { error: 'must be { header, unit, toleranceSeconds? } or { element, unit, toleranceSeconds? }' },
    )
    .optional(),
  event: z
    .strictObject({
      /** The hash of the body stands in where none is named. A header is signed only where the template holds `{id}`. */
      id: z.union([inHeader, inBody], { error: 'must be { header } or { path }' }).optional(),
      type: z.union([inHeader, inBody], { error: 'must be { header } or { path }' }).optional(),
      occurredAt: z
        .strictObject({
          path: jsonPath,
          format: z.enum(['iso8601', 's', 'ms'], { error: 'must be iso8601, s or ms' }),
        })
        .optional(),
    })
    .default({}),
});

/** The settings of an endpoint, with what only holds between them. */
export const settingsSchema = scheme.transform((settings, context) => {
  const { secrets, secretEncoding, signature, timestamp, event } = settings;
  const issue = (path: (string | number)[], message: string): void => {
    context.addIssue({ code: 'custom', path, message });
  };
  const parts = templateParts(settings.signed);
  const idInHeader = event.id !== undefined && 'header' in event.id;
  for (const problem of templateProblems(parts, { timestamp: timestamp !== undefined, idInHeader }))
    issue(['signed'], problem);
  if (timestamp !== undefined && 'element' in timestamp) {
    if (signature.separator === undefined)
      issue(['signature', 'separator'], 'must be set where the time is an element of the header');
    if (
      signature.prefix === '' ||
      signature.prefix.startsWith(timestamp.element) ||
      timestamp.element.startsWith(signature.prefix)
    )
      issue(['signature', 'prefix'], "must tell the signatures from the time's element");
  }
  for (const [position, { value }] of secrets.entries()) {
    if (!decodesAs(value, secretEncoding))
      issue(['secrets', position], `must be ${secretEncoding}, as secretEncoding says`);
  }
  return { ...settings, parts: parts ?? [] };
});

export type GenericSettings = z.output<typeof settingsSchema>;

function decodesAs(secret: string, encoding: GenericSecretEncoding): boolean {
  if (encoding === 'utf8') return true;
  const decoded = Buffer.from(secret, encoding).toString(encoding);
  return decoded === (encoding === 'hex' ? secret.toLowerCase() : secret);
}

type GenericSecretEncoding = z.output<typeof scheme>['secretEncoding'];
