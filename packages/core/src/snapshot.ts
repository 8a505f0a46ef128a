import * as z from 'zod';
import { sha256Hex } from './delivery.ts';
import type { PaymentFact } from './payment-event.ts';
import { askProvider, type ApiQuestion } from './provider-api.ts';
import type { ProviderEffects } from './provider.ts';
import { readBody } from './providers/event-body.ts';

/** A payment that is to be asked about. */
export interface SnapshotSubject {
  /** Every name it goes by: `payment_intent:pi_1`, `capture:…`. */
  readonly names: readonly string[];
  /** The connected account it belongs to, where its events name one. */
  readonly providerAccount: string | null;
}

/** What the provider's API said of a payment. */
export type SnapshotAnswer =
  /** The name that was asked about, the bytes of the answer, and where they came from: a URL without secrets. */
  | { readonly kind: 'found'; readonly name: string; readonly answer: Buffer; readonly source: string }
  | { readonly kind: 'unknown' };

/**
 * How a payment is asked about; null where it has no name that the API takes.
 * Rejects with ServiceAwayError where the API cannot answer now, with
 * TransientError where it refuses to.
 */
export type Snapshotter = (subject: SnapshotSubject) => ((at: Date) => Promise<SnapshotAnswer>) | null;

/** How a provider's API tells how a payment stands. */
export interface ProviderSnapshots {
  /** The settings that asking needs, by name. */
  readonly settings: readonly string[];
  /** Builds what asks, for one endpoint; null where it has no credentials to ask with. Throws ConfigurationError. */
  readonly createSnapshotter: (settings: unknown, effects: ProviderEffects) => Snapshotter | null;
  /**
   * What the answer about that name says; its times do not count. Throws
   * PermanentError `malformed_event` on an answer of another shape.
   */
  readonly translate: (name: string, answer: Buffer) => readonly PaymentFact[];
  /**
   * Set where the provider never says when a refund changed, so that all facts
   * of one share a time: those of a snapshot share it too, and how far along it
   * is decides. Else what becomes of the refund after it was asked about would count as older.
   */
  readonly refundsKeepTheirTime?: true;
}

/**
 * A snapshotter that GETs the first of the subject's names that the API knows.
 * `questionOf` gives null for a name that cannot be asked about; names are tried in the order of `kinds`.
 */
export function fetchingSnapshotter(
  effects: ProviderEffects,
  options: {
    /** What a name begins with, the most telling first: `payment_intent`. */
    readonly kinds: readonly string[];
    readonly questionOf: (
      name: { readonly kind: string; readonly id: string },
      subject: SnapshotSubject,
    ) => ApiQuestion;
    readonly ask?: (question: ApiQuestion, at: Date) => ReturnType<typeof askProvider>;
  },
): Snapshotter {
  const { kinds, questionOf, ask = (question: ApiQuestion) => askProvider(effects, question) } = options;
  return (subject) => {
    const names = kinds.flatMap((kind) =>
      subject.names.flatMap((name) => {
        const id = name.startsWith(`${kind}:`) ? name.slice(kind.length + 1) : '';
        return /^[A-Za-z0-9_-]{1,255}$/.test(id) ? [{ name, question: questionOf({ kind, id }, subject) }] : [];
      }),
    );
    if (names.length === 0) return null;
    return async (at) => {
      for (const { name, question } of names.slice(0, NAMES_ASKED_MAX)) {
        const told = await ask(question, at);
        if (told.kind === 'found') return { kind: 'found', name, answer: told.body, source: question.url };
      }
      return { kind: 'unknown' };
    };
  };
}

/** A payment has a handful of names; more are attempts of one order, of which the API knows the first or none. */
const NAMES_ASKED_MAX = 5;

/** An answer as an event of its own: what it is stored as. */
export interface SnapshotEvent {
  readonly eventId: string;
  readonly body: Buffer;
}

/**
 * Makes an event of an answer. `asOf` is when it holds: when it was asked for,
 * and later than everything that was known then. One answer of one moment has one id.
 */
export function snapshotEvent(snapshot: {
  readonly name: string;
  readonly source: string;
  readonly asOf: Date;
  readonly answer: Buffer;
}): SnapshotEvent {
  const { name, source, asOf, answer } = snapshot;
  const body = Buffer.from(
    JSON.stringify({ snapshot: 1, name, source, as_of: asOf.toISOString(), answer: answer.toString('utf8') }),
  );
  return { eventId: `snapshot-${sha256Hex(body).slice(0, 32)}`, body };
}

const snapshotBody = z.object({
  snapshot: z.literal(1),
  name: z.string(),
  as_of: z.iso.datetime(),
  answer: z.string(),
});

/**
 * What a snapshot event says: everything in it held when it was asked for, and
 * covers what happened before, but for refunds that keep their time. Throws
 * PermanentError `malformed_event`.
 */
export function translateSnapshot(snapshots: ProviderSnapshots, body: Buffer): readonly PaymentFact[] {
  const { name, as_of: asOf, answer } = readBody(body, snapshotBody);
  const occurredAtMs = Date.parse(asOf);
  return snapshots
    .translate(name, Buffer.from(answer))
    .map((fact) =>
      fact.kind === 'refund' && snapshots.refundsKeepTheirTime === true
        ? fact
        : { ...fact, occurredAtMs, stage: undefined, snapshot: true },
    );
}

/**
 * When an answer holds that was asked for at `at`: at the beginning of that
 * second, for providers' clocks have seconds and what occurs within it may be
 * newer; and after the last that was known, which the provider knew as well.
 */
export function asOfOf(asked: { readonly at: Date; readonly lastOccurredAt: Date }): Date {
  return new Date(Math.max(Math.floor(asked.at.getTime() / 1_000) * 1_000, asked.lastOccurredAt.getTime() + 1));
}
