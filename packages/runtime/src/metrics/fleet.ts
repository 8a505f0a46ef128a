import { hostname } from 'node:os';
import type { Gauge, OpenMetricsContentType, Registry } from 'prom-client';
import { exposeMetrics, expositionType } from './exposition.ts';
import { mergeExpositions } from './merge-expositions.ts';
import { readPeers } from './peers.ts';

/** Whose metrics are told beside this process's own. */
export interface MetricsPeers {
  /** Private ports, each `http://host:port`; none where nothing is told together. */
  readonly urls: readonly string[];
  readonly up: Gauge<'peer'>;
}

/**
 * The metrics of this process and its peers, as one answer. Nothing is added up
 * and nothing is remembered: a peer that is away has no series, and a gauge
 * that says so (docs/decisions/0023-an-optional-aggregate.md).
 */
export async function exposeFleet(options: {
  readonly registry: Registry<OpenMetricsContentType>;
  readonly peers: MetricsPeers;
  readonly accept: string;
  readonly port: number;
  /** This process's own, wherever it is met. */
  readonly identity: string;
}): Promise<{ readonly contentType: string; readonly text: string }> {
  const { registry, peers, accept, identity } = options;
  const contentType = expositionType(registry, accept);
  const answers = await readPeers(peers.urls, { accept, contentType });
  peers.up.reset();
  const others = answers.filter((answer) => answer.kind === 'away' || answer.identity !== identity);
  for (const { kind, instance } of others) peers.up.set({ peer: instance }, kind === 'up' ? 1 : 0);
  const self = answers.find((answer) => !others.includes(answer))?.instance ?? `${hostname()}:${options.port}`;
  const own = await exposeMetrics(registry, accept);
  return {
    contentType,
    text: mergeExpositions([
      { instance: self, text: own.text },
      ...others.flatMap((answer) => (answer.kind === 'up' ? [answer] : [])),
    ]),
  };
}
