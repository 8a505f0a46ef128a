import { TransientError } from '@penstock/core/failure';
import * as z from 'zod';

/** How many of an endpoint's genuine requests were answered in time. */
export interface Answered {
  readonly endpoint: string;
  readonly requests: number;
  /** From 0 to 1. */
  readonly share: number;
}

/** Prometheus' own limit for a question is 2 min; an operator waits less. */
const ASK_MS = 20_000;

/**
 * Asks Prometheus which share of genuine requests was answered 2xx within
 * 250 ms: the ledger does not know when an answer was sent. Requests that were
 * refused (4xx) are nobody's promise; a 5xx was not answered in time. Throws
 * TransientError `prometheus_away`.
 */
export async function answeredInTime(question: {
  readonly url: string;
  readonly to: Date;
  readonly rangeMs: number;
}): Promise<readonly Answered[]> {
  const window = `[${Math.round(question.rangeMs / 60_000)}m]`;
  const series = 'http_server_request_duration_seconds';
  const common = 'http_route="/webhooks/:endpoint",endpoint!="unknown",endpoint!="canary"';
  const inTime = await ask(
    question,
    `sum by (endpoint) (increase(${series}_bucket{${common},http_response_status_code=~"2..",le="0.25"}${window}))`,
  );
  const all = await ask(
    question,
    `sum by (endpoint) (increase(${series}_count{${common},http_response_status_code=~"2..|5.."}${window}))`,
  );
  return [...all].flatMap(([endpoint, requests]) =>
    requests > 0 ? [{ endpoint, requests, share: Math.min(1, (inTime.get(endpoint) ?? 0) / requests) }] : [],
  );
}

const answer = z.object({
  data: z.object({
    result: z.array(
      z.object({
        metric: z.object({ endpoint: z.string() }),
        value: z.tuple([z.number(), z.string()]),
      }),
    ),
  }),
});

async function ask(
  { url, to }: { readonly url: string; readonly to: Date },
  query: string,
): Promise<ReadonlyMap<string, number>> {
  const at = new URL(`${url.replace(/\/+$/, '')}/api/v1/query`);
  at.searchParams.set('query', query);
  at.searchParams.set('time', String(to.getTime() / 1_000));
  try {
    const response = await fetch(at, { signal: AbortSignal.timeout(ASK_MS) });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    const { data } = answer.parse(await response.json());
    return new Map(data.result.map(({ metric, value }) => [metric.endpoint, Number(value[1])]));
  } catch (error) {
    throw new TransientError('prometheus_away', `Prometheus could not be asked at ${at.origin}`, { cause: error });
  }
}
