import { isUtf8 } from 'node:buffer';
import { XMLParser } from 'fast-xml-parser';
import * as z from 'zod';
import { identifier } from '../envelope-fields.ts';

/** A payload read as XML. The reason quotes nothing of it. */
export type XmlReading =
  | { readonly kind: 'xml'; readonly value: unknown }
  | { readonly kind: 'malformed'; readonly reason: string };

/** Braintree's deepest, a subscription's transaction's address, is at 7. */
const NESTED_TAGS_MAX = 24;

/** Text stays text, attributes (types and nil) are dropped, entities are not looked up. */
const parser = new XMLParser({
  ignoreAttributes: true,
  parseTagValue: false,
  processEntities: false,
  maxNestedTags: NESTED_TAGS_MAX,
});

/** Reads a proven payload as XML without a document type; never throws. */
export function readXml(payload: string): XmlReading {
  const bytes = Buffer.from(payload, 'base64');
  if (!isUtf8(bytes)) return { kind: 'malformed', reason: 'the payload is not UTF-8' };
  const text = bytes.toString('utf8');
  if (/<!(?:DOCTYPE|ENTITY)/i.test(text)) return { kind: 'malformed', reason: 'the payload declares a document type' };
  try {
    const value: unknown = parser.parse(text, true);
    return { kind: 'xml', value };
  } catch {
    // The parser's errors quote the payload.
    return { kind: 'malformed', reason: 'the payload is not XML' };
  }
}

/** An element that may be missing, empty or nil. */
export function optional<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess((value) => (value === '' ? undefined : value), schema.optional());
}

/** Source: braintree webhook_notification.js and webhook_testing_gateway.js sampleXml. */
export const notification = z.object({
  notification: z.object({
    kind: identifier,
    timestamp: z.iso.datetime({ offset: true }),
    'source-merchant-id': optional(identifier),
    subject: z.unknown().optional(),
  }),
});
