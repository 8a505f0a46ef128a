import { createHash } from 'node:crypto';
import * as z from 'zod';
import { jsonObject } from '../../json-object.ts';
import { jsonBytes, readJsonBody } from '../../json-body.ts';
import type { EventsReading, VerifiedEvent } from '../../verification.ts';
import { identifier, statedTime } from '../envelope-fields.ts';
import {
  readProvenFields,
  readSignedItem,
  signedStrings,
  type ProvenFields,
  type SignedFields,
} from './signed-fields.ts';

const itemWrapper = z.object({ NotificationRequestItem: z.unknown() });

/** The item that an element of `notificationItems` wraps; undefined where it wraps none. */
export function itemIn(wrapper: unknown): unknown {
  return itemWrapper.safeParse(wrapper).data?.NotificationRequestItem;
}

/** What the items of a standard notification say of themselves, once each is proven. */
export function describeItems(envelope: {
  readonly live: unknown;
  readonly notificationItems: readonly unknown[];
}): EventsReading {
  const events: VerifiedEvent[] = [];
  for (const wrapper of envelope.notificationItems) {
    const item = itemIn(wrapper);
    const signed = readSignedItem(item);
    const body = jsonBytes(item);
    if (signed === null || body === null) return { kind: 'malformed', reason: 'an item cannot be read' };
    const proven = readProvenFields(signed.fields);
    if (proven.kind === 'malformed') return proven;
    events.push({
      eventId: eventIdOf(proven.fields, signed.fields),
      type: proven.fields.eventCode,
      providerAccount: proven.fields.merchantAccountCode === '' ? null : proven.fields.merchantAccountCode,
      // The two below are not signed. They are shown, and nothing is decided by them.
      occurredAt: unprovenDate(item),
      livemode: unprovenLivemode(envelope.live),
      apiVersion: null,
      body,
    });
  }
  return { kind: 'events', events };
}

/**
 * An item has no id. Its signed fields are one: what says the same is the same
 * event, however its unsigned rest differs, and what says anything else is
 * another. (Adyen itself calls items of one `pspReference` and `eventCode`
 * duplicates, but an authorisation that failed and then succeeded shares both.)
 */
function eventIdOf(proven: ProvenFields, fields: SignedFields): string {
  const [plain = ''] = signedStrings(fields);
  const digest = createHash('sha256').update(plain).digest('hex').slice(0, 16);
  return `${proven.pspReference}-${proven.eventCode}-${proven.success}-${digest}`;
}

const dated = z.object({ eventDate: z.iso.datetime({ offset: true }) });

/** When the item says it happened: a hint, for `eventDate` is not signed. */
export function unprovenDate(item: unknown): Date | null {
  const parsed = dated.safeParse(item);
  return parsed.success ? new Date(parsed.data.eventDate) : null;
}

function unprovenLivemode(live: unknown): boolean | null {
  if (live === true || live === 'true') return true;
  return live === false || live === 'false' ? false : null;
}

/**
 * The envelope that typed webhooks share. Source: @adyen/api-library
 * src/typings/{transfer,configuration,report,management,tokenization}Webhooks.
 */
const platformEnvelope = z.object({
  type: identifier,
  timestamp: statedTime,
  createdAt: statedTime,
  environment: z.string().nullish(),
  version: z.string().nullish(),
  data: jsonObject,
});

/**
 * What a typed webhook says of itself. Its `data.id` names the object, which
 * is updated under one type again and again: the event has no id of its own.
 */
export function describePlatformEvent(body: Buffer): EventsReading {
  const reading = readJsonBody(body, platformEnvelope);
  if (reading.kind === 'malformed') return reading;
  const { type, timestamp, createdAt, environment, version, data } = reading.value;
  const account = identifier.safeParse(data['balancePlatform']);
  return {
    kind: 'events',
    events: [
      {
        eventId: null,
        type,
        occurredAt: timestamp ?? createdAt,
        livemode: environment === 'live' ? true : environment === 'test' ? false : null,
        apiVersion: version ?? null,
        providerAccount: account.success ? account.data : null,
      },
    ],
  };
}
