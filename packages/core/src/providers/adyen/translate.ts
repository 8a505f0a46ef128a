import * as z from 'zod';
import { readJsonBody } from '../../json-body.ts';
import type { PaymentFact, PaymentReference } from '../../payment-event.ts';
import type { EndpointSettings } from '../../provider.ts';
import { checkFacts, malformedEvent, readBody } from '../event-body.ts';
import { adyenMinorUnits } from './amounts.ts';
import { unprovenDate } from './events.ts';
import { readProvenFields, readSignedItem, signedStrings, type ProvenFields } from './signed-fields.ts';
import { statementOf, type Statement } from './statements.ts';

/**
 * What one item of a standard notification says, by its signed fields alone;
 * an empty list for codes that say nothing about payments and for platform and
 * management webhooks. The unsigned `eventDate` is passed on for people to
 * see; the fold orders by the stage of the signed code (statements.ts).
 *
 * Where the merchant account captures automatically (`capture: 'automatic'`)
 * Adyen sends no CAPTURE: an authorisation that succeeded is the capture.
 */
export function translateAdyen(body: Buffer, settings: EndpointSettings = {}): readonly PaymentFact[] {
  const event = readBody(body, eitherFamily);
  if (!('eventCode' in event)) return [];
  const signed = readSignedItem(event);
  if (signed === null) throw malformedEvent('its signed fields are not of the documented form');
  const proven = readProvenFields(signed.fields);
  if (proven.kind === 'malformed') throw malformedEvent(proven.reason);
  const { fields } = proven;
  const capturesAutomatically = settings['capture'] === 'automatic';
  const statement = statementOf(fields.eventCode, { success: fields.success === 'true', capturesAutomatically });
  if (statement === null) return [];
  const occurredAtMs = Math.max(0, unprovenDate(event)?.getTime() ?? 0);
  return checkFacts([factOf(statement, { fields, occurredAtMs, capturesAutomatically })]);
}

/** Two items state the same where their signed fields do; all else in them is anyone's. */
export function statesSameAdyenEvent(stored: Buffer, received: Buffer): boolean {
  if (stored.equals(received)) return true;
  const one = signedStringOf(stored);
  return one !== null && one === signedStringOf(received);
}

const item = z.looseObject({ eventCode: z.string() });
const platformEvent = z.object({ type: z.string() });
const eitherFamily = z.union([item, platformEvent]);

function factOf(
  statement: Statement,
  {
    fields,
    occurredAtMs,
    capturesAutomatically,
  }: { readonly fields: ProvenFields; readonly occurredAtMs: number; readonly capturesAutomatically: boolean },
): PaymentFact {
  const { pspReference: id, originalReference } = fields;
  const { amount, currency } = moneyOf(fields);
  const { stage } = statement;
  switch (statement.kind) {
    case 'payment': {
      // EXPIRE comes without an original reference where it is of the payment itself.
      const named = statement.subject === 'payment' || originalReference === '' ? id : originalReference;
      if (statement.amountOf === 'capture' && originalReference === '')
        throw malformedEvent('a capture does not name the payment in originalReference');
      return {
        kind: 'payment',
        occurredAtMs,
        stage,
        references: [`payment:${named}`],
        status: statement.status,
        amount: statement.amountOf === 'payment' || statement.amountOf === 'payment and capture' ? amount : undefined,
        currency: statement.amountOf === 'nothing' ? undefined : currency,
        // One key where the payment captures itself: a CAPTURE that comes all the same tells of the same money.
        captured:
          amount !== undefined && (statement.amountOf === 'capture' || statement.amountOf === 'payment and capture')
            ? { key: capturesAutomatically ? named : id, amount }
            : undefined,
      };
    }
    case 'refund':
    case 'dispute': {
      const references: PaymentReference[] = originalReference === '' ? [] : [`payment:${originalReference}`];
      const { kind, status } = statement;
      const common = { occurredAtMs, stage, id, references, amount, currency };
      return kind === 'refund' ? { kind, ...common, status } : { kind, ...common, status, funds: statement.funds };
    }
    case 'payout':
      return {
        kind: 'payout',
        occurredAtMs,
        stage,
        // What follows the payout names it as its original.
        id: originalReference === '' ? id : originalReference,
        status: statement.status,
        amount,
        currency,
      };
  }
}

/** The signed amount, or nothing where the item has none. */
function moneyOf(fields: ProvenFields): { readonly amount: number | undefined; readonly currency: string | undefined } {
  if (fields.value === '' || fields.currency === '') return { amount: undefined, currency: undefined };
  return { amount: adyenMinorUnits(Number(fields.value), fields.currency), currency: fields.currency };
}

function signedStringOf(body: Buffer): string | null {
  const reading = readJsonBody(body, item);
  const signed = reading.kind === 'json' ? readSignedItem(reading.value) : null;
  return signed === null ? null : (signedStrings(signed.fields)[0] ?? null);
}
