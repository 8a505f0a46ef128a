import * as z from 'zod';

/**
 * The eight fields that the signature of a standard notification covers, in
 * the order they are signed. Nothing else in an item is proven: not its date,
 * reason, payment method or additional data.
 * Source: @adyen/api-library src/utils/hmacValidator.ts `getDataToSign`.
 */
export interface SignedFields {
  readonly pspReference: string;
  readonly originalReference: string;
  readonly merchantAccountCode: string;
  readonly merchantReference: string;
  readonly value: string;
  readonly currency: string;
  readonly eventCode: string;
  readonly success: string;
}

/** One item as it arrives, read as leniently as what is signed allows. */
export interface SignedItem {
  readonly fields: SignedFields;
  readonly signature: string | null;
}

/** Absent is empty, numbers and booleans are as JSON writes them. */
const text = z
  .union([z.string(), z.number(), z.boolean()])
  .nullish()
  .transform((value) => (value === null || value === undefined ? '' : String(value)));

const signedItem = z.object({
  pspReference: text,
  originalReference: text,
  merchantAccountCode: text,
  merchantReference: text,
  amount: z.object({ value: text, currency: text }).nullish(),
  eventCode: text,
  success: text,
  additionalData: z.object({ hmacSignature: z.string().nullish() }).nullish(),
});

/** The signed fields of an item and its signature; null where there is nothing that could have been signed. */
export function readSignedItem(item: unknown): SignedItem | null {
  const parsed = signedItem.safeParse(item);
  if (!parsed.success) return null;
  const { amount, additionalData, ...fields } = parsed.data;
  return {
    fields: { ...fields, value: amount?.value ?? '', currency: amount?.currency ?? '' },
    signature: additionalData?.hmacSignature ?? null,
  };
}

/**
 * The strings an item may be signed as. The official libraries join the fields
 * with `:` as they are; other descriptions of the scheme escape `\` and `:`
 * inside them, so both are accepted, the plain one first. They differ only where a
 * field holds one of the two characters, which of the fields acted upon none
 * may (readProvenFields).
 */
export function signedStrings(fields: SignedFields): readonly string[] {
  const inOrder = [
    fields.pspReference,
    fields.originalReference,
    fields.merchantAccountCode,
    fields.merchantReference,
    fields.value,
    fields.currency,
    fields.eventCode,
    fields.success,
  ];
  const plain = inOrder.join(':');
  const escaped = inOrder.map((field) => field.replaceAll('\\', '\\\\').replaceAll(':', '\\:')).join(':');
  return plain === escaped ? [plain] : [plain, escaped];
}

const reference = z.string().regex(/^[A-Za-z0-9_-]{1,64}$/);

/**
 * The fields that are acted upon, in the only form in which the joined string
 * can be taken apart in one way. The three before and the four after the
 * merchant's reference hold neither `:` nor `\`; were they let to, whoever
 * holds one genuine signature could move the boundaries between the fields.
 * The merchant's reference, which may hold both, is not acted upon.
 */
const provenFields = z.object({
  pspReference: reference,
  originalReference: z.union([reference, z.literal('')]),
  merchantAccountCode: z.string().regex(/^[\x21-\x39\x3b-\x5b\x5d-\x7e]{0,128}$/),
  value: z.string().regex(/^(?:-?\d{1,16})?$/),
  currency: z.string().regex(/^(?:[A-Z]{3})?$/),
  eventCode: z.string().regex(/^[A-Z0-9_]{1,64}$/),
  success: z.enum(['true', 'false']),
});

export type ProvenFields = z.output<typeof provenFields>;

/** Reads the signed fields in their one form; the reason names fields, never values. */
export function readProvenFields(
  fields: SignedFields,
):
  | { readonly kind: 'proven'; readonly fields: ProvenFields }
  | { readonly kind: 'malformed'; readonly reason: string } {
  const parsed = provenFields.safeParse(fields);
  if (parsed.success) return { kind: 'proven', fields: parsed.data };
  const paths = new Set(parsed.error.issues.map((issue) => issue.path.join('.')));
  return { kind: 'malformed', reason: `an item is not of the documented form at ${[...paths].join(', ')}` };
}
