import { CANARY_ENDPOINT } from '@penstock/core/canary';
import { TransientError } from '@penstock/core/failure';
import { ANSWERED_OBJECTIVE } from '@penstock/core/sla-report';
import * as z from 'zod';

/** Which share of genuine webhooks was answered in time. */
export interface Answered {
  /** Requests, by where they came: the objective. */
  readonly endpoints: readonly AnsweredRequests[];
  /** Accepted events, by what they were. */
  readonly types: readonly AnsweredEvents[];
}

export interface AnsweredRequests {
  readonly endpoint: string;
  readonly provider: string;
  readonly requests: number;
  /** From 0 to 1. */
  readonly share: number;
}

export interface AnsweredEvents {
  readonly provider: string;
  /** `other` where the provider does not document it. */
  readonly type: string;
  /** Each as often as it was sent and accepted. */
  readonly events: number;
  /** From 0 to 1. */
  readonly share: number;
}

interface Question {
  readonly url: string;
  readonly to: Date;
  readonly rangeMs: number;
  /** How long is waited; Prometheus' own limit is 2 min. */
  readonly askMs: number;
}

/**
 * Asks Prometheus which share was answered 2xx within 250 ms, from the head of
 * the request to its answer, all that ingest does in between: the ledger does
 * not know when an answer was sent. Throws TransientError `prometheus_away`.
 *
 * - Of the requests at an endpoint a 5xx was not answered in time; those that
 *   were refused (4xx) are nobody's promise.
 * - Of the events of a type only the accepted ones are known: what was answered
 *   5xx has no type yet.
 */
export async function answeredInTime(question: Question): Promise<Answered> {
  const window = `[${Math.round(question.rangeMs / 60_000)}m]`;
  const requests = 'http_server_request_duration_seconds';
  const genuine = `http_route="/webhooks/:endpoint",endpoint!="unknown",${notOurs}`;
  const within = String(ANSWERED_OBJECTIVE.withinMs / 1_000);
  const accepted = `process="ingest",outcome=~"queued|already_queued|already_processed",${notOurs}`;
  const increase = (by: string, series: string) => ask(question, `sum by (${by}) (increase(${series}${window}))`);

  const answered = `${requests}_bucket{${genuine},http_response_status_code=~"2..",le="${within}"}`;
  const inTime = await increase('endpoint, provider', answered);
  const came = await increase(
    'endpoint, provider',
    `${requests}_count{${genuine},http_response_status_code=~"2..|5.."}`,
  );
  const late = await increase('provider, type', `penstock_events_answered_late_total{${notOurs}}`);
  const events = await increase('provider, type', `penstock_events_total{${accepted}}`);
  return {
    endpoints: came.flatMap(({ endpoint, provider, value }) => {
      const met = inTime.find((one) => one.endpoint === endpoint && one.provider === provider)?.value ?? 0;
      return value > 0 ? [{ endpoint, provider, requests: value, share: shareOf(met, value) }] : [];
    }),
    types: events
      .flatMap(({ provider, type, value }) => {
        const missed = late.find((one) => one.type === type && one.provider === provider)?.value ?? 0;
        return value > 0 ? [{ provider, type, events: value, share: shareOf(value - missed, value) }] : [];
      })
      .toSorted((one, other) => one.share - other.share || other.events - one.events),
  };
}

const notOurs = `endpoint!="${CANARY_ENDPOINT}"`;

/** Prometheus extrapolates each sum by itself, so that a part can come out a little larger than its whole. */
function shareOf(part: number, whole: number): number {
  return Math.min(1, Math.max(0, part / whole));
}

const answer = z.object({
  data: z.object({
    result: z.array(
      z.object({
        metric: z.object({ endpoint: z.string().default(''), provider: z.string(), type: z.string().default('') }),
        value: z.tuple([z.number(), z.string()]),
      }),
    ),
  }),
});

interface Sum {
  readonly endpoint: string;
  readonly provider: string;
  readonly type: string;
  readonly value: number;
}

async function ask({ url, to, askMs }: Question, query: string): Promise<readonly Sum[]> {
  const at = new URL(`${url.replace(/\/+$/, '')}/api/v1/query`);
  at.searchParams.set('query', query);
  at.searchParams.set('time', String(to.getTime() / 1_000));
  try {
    const response = await fetch(at, { signal: AbortSignal.timeout(askMs) });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    const { data } = answer.parse(await response.json());
    return data.result.map(({ metric, value }) => ({ ...metric, value: Number(value[1]) }));
  } catch (error) {
    throw new TransientError('prometheus_away', `Prometheus could not be asked at ${at.origin}`, { cause: error });
  }
}
