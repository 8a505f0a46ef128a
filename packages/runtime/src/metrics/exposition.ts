import type { OpenMetricsContentType, Registry } from 'prom-client';

/** Prometheus' own older text format, which has no exemplars. */
const TEXT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/**
 * What a scrape is answered: OpenMetrics, with exemplars, to who accepts it;
 * else the older text. The registry is rendered in one format only, because
 * prom-client renames its counters for good when it renders OpenMetrics.
 */
export async function exposeMetrics(
  registry: Registry<OpenMetricsContentType>,
  accept: string,
): Promise<{ readonly contentType: string; readonly text: string }> {
  const text = await registry.metrics();
  return takesOpenMetrics(accept)
    ? { contentType: registry.contentType, text }
    : { contentType: TEXT_TYPE, text: olderText(text) };
}

/** The type that an answer to this will have. */
export function expositionType(registry: Registry<OpenMetricsContentType>, accept: string): string {
  return takesOpenMetrics(accept) ? registry.contentType : TEXT_TYPE;
}

function takesOpenMetrics(accept: string): boolean {
  return accept.includes('application/openmetrics-text');
}

/** The same samples without exemplars, and counters described under their full names. */
function olderText(openMetrics: string): string {
  const counters = new Set([...openMetrics.matchAll(/^# TYPE (?<name>\S+) counter$/gm)].map(([, name]) => name));
  return openMetrics
    .replace(/^# (HELP|TYPE) (\S+)/gm, (line, _word, name) => (counters.has(String(name)) ? `${line}_total` : line))
    .replace(/(_bucket\{.*\} \S+) # \{trace_id="[0-9a-f]+"\} \S+ \S+$/gm, '$1')
    .replace(/# EOF\n$/, '');
}
