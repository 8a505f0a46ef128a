import * as z from 'zod';
import { jsonObject } from '../../json-object.ts';
import { jsonBytes } from '../../json-body.ts';

/**
 * The Stripe event inside an envelope, as JSON of its own: `detail` of Amazon
 * EventBridge, `data` of a CloudEvent (Azure Event Grid). Null for anything else.
 * Source: stripe-node esm/utils.js maybeExtractFromCloudProviderEnvelope.
 */
export function unwrapped(body: unknown): Buffer | null {
  const aws = z.object({ detail: jsonObject }).safeParse(body);
  if (aws.success) return jsonBytes(aws.data.detail);
  const azure = z.object({ specversion: z.string(), data: jsonObject }).safeParse(body);
  return azure.success ? jsonBytes(azure.data.data) : null;
}
