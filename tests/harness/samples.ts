/** What a process tells Prometheus: the sum of a metric's samples whose labels include those given. */
export async function scrape(
  healthUrl: string,
): Promise<(name: string, labels?: Readonly<Record<string, string>>) => number | undefined> {
  const text = await (await fetch(`${healthUrl}/metrics`)).text();
  const samples = text.split('\n').flatMap((line) => {
    const found = /^(?<name>[a-zA-Z_:][\w:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$/.exec(line)?.groups;
    return found === undefined
      ? []
      : [{ name: found['name'], labels: found['labels'] ?? '', value: Number(found['value']) }];
  });
  return (name, labels = {}) => {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const matching = samples.filter(
      (sample) => sample.name === name && wanted.every((part) => sample.labels.split(',').includes(part)),
    );
    return matching.length === 0 ? undefined : matching.reduce((sum, { value }) => sum + value, 0);
  };
}
