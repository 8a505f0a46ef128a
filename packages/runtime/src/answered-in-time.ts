import { TransientError } from '@penstock/core/failure';
import * as z from 'zod';

/** How many of an endpoint's genuine requests were answered in time. */
export interface Answered {
  readonly endpoint: string;
  readonly provider: string;
  readonly requests: number;
  /** From 0 to 1. */
  readonly share: number;
}

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
  /** How long is waited; Prometheus' own limit is 2 min. */
  readonly askMs: number;
}): Promise<readonly Answered[]> {
  const window = `[${Math.round(question.rangeMs / 60_000)}m]`;
  const series = 'http_server_request_duration_seconds';
  const common = 'http_route="/webhooks/:endpoint",endpoint!="unknown",endpoint!="canary"';
  const inTime = await ask(
    question,
    `sum by (endpoint, provider) (increase(${series}_bucket{${common},http_response_status_code=~"2..",le="0.25"}${window}))`,
  );
  const all = await ask(
    question,
    `sum by (endpoint, provider) (increase(${series}_count{${common},http_response_status_code=~"2..|5.."}${window}))`,
  );
  return all.flatMap(({ endpoint, provider, value: requests }) => {
    const share = (inTime.find((one) => one.endpoint === endpoint && one.provider === provider)?.value ?? 0) / requests;
    return requests > 0 ? [{ endpoint, provider, requests, share: Math.min(1, share) }] : [];
  });
}

const answer = z.object({
  data: z.object({
    result: z.array(
      z.object({
        metric: z.object({ endpoint: z.string(), provider: z.string() }),
        value: z.tuple([z.number(), z.string()]),
      }),
    ),
  }),
});

async function ask(
  { url, to, askMs }: { readonly url: string; readonly to: Date; readonly askMs: number },
  query: string,
): Promise<readonly { readonly endpoint: string; readonly provider: string; readonly value: number }[]> {
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
