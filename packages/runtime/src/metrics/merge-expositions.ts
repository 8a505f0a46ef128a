/** What one process answered to a scrape. */
export interface Exposition {
  /** `host:port` of its private port. */
  readonly instance: string;
  readonly text: string;
}

interface Family {
  readonly head: string[];
  readonly samples: string[];
}

/**
 * Several processes' expositions as one. Each series gets the label `instance`,
 * so that none is added to another: a counter that begins anew is seen to. A
 * family is told once, by the first that has it, with all its series together,
 * as both formats demand. Source: OpenMetrics 1.0, "MetricFamily".
 */
export function mergeExpositions(expositions: readonly Exposition[]): string {
  const families = new Map<string, Family>();
  let ended = false;
  for (const { instance, text } of expositions) {
    const label = `instance="${instance.replaceAll(/["\\\n]/g, '_')}"`;
    let family: Family | undefined;
    let isNew = false;
    for (const line of text.split('\n')) {
      if (line === '') continue;
      if (line === '# EOF') {
        ended = true;
        continue;
      }
      const name = descriptionForm.exec(line)?.groups?.['name'];
      if (name === undefined) {
        family?.samples.push(withLabel(line, label));
        continue;
      }
      const known = families.get(name);
      // HELP and TYPE come one after the other.
      if (family === undefined || known !== family) isNew = known === undefined;
      family = known ?? { head: [], samples: [] };
      if (known === undefined) families.set(name, family);
      if (isNew) family.head.push(line);
    }
  }
  const lines = [...families.values()].flatMap(({ head, samples }) => [...head, ...samples]);
  return `${[...lines, ...(ended ? ['# EOF'] : [])].join('\n')}\n`;
}

const descriptionForm = /^# (?:HELP|TYPE|UNIT) (?<name>[a-zA-Z_:][\w:]*)/;

/** A sample's name ends at its labels or at its value; what labels and exemplars hold is left alone. */
function withLabel(sample: string, label: string): string {
  const end = sample.search(/[{ ]/);
  if (end < 0) return sample;
  if (sample[end] === ' ') return `${sample.slice(0, end)}{${label}}${sample.slice(end)}`;
  const rest = sample.slice(end + 1);
  return `${sample.slice(0, end)}{${label}${rest.startsWith('}') ? '' : ','}${rest}`;
}
