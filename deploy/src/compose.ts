import path from 'node:path';
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import * as z from 'zod';
import { repository } from './dockerfile.ts';

const names = z.union([z.array(z.string()), z.record(z.string(), z.unknown()).transform((map) => Object.keys(map))]);
const composeSchema = z.looseObject({
  services: z.record(
    z.string(),
    z.looseObject({
      image: z.string().optional(),
      command: z.array(z.string()).optional(),
      entrypoint: z.array(z.string()).optional(),
      environment: z.record(z.string(), z.string()).default({}),
      networks: names.default([]),
      depends_on: names.default([]),
      ports: z.array(z.string()).default([]),
      volumes: z.array(z.string()).default([]),
      tmpfs: z.array(z.string()).default([]),
      read_only: z.boolean().default(false),
      cap_drop: z.array(z.string()).default([]),
      stop_grace_period: z.string().optional(),
      build: z.looseObject({ target: z.string() }).optional(),
      deploy: z
        .looseObject({ resources: z.looseObject({ limits: z.looseObject({ memory: z.string() }) }).optional() })
        .default({}),
      secrets: z
        .array(z.union([z.string(), z.looseObject({ source: z.string() }).transform(({ source }) => source)]))
        .default([]),
    }),
  ),
  networks: z.record(z.string(), z.unknown()),
  volumes: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
});

export const composeText: string = readFileSync(path.join(repository, 'deploy/compose.yaml'), 'utf8');

/** deploy/compose.yaml, its anchors merged in. */
export const compose: z.output<typeof composeSchema> = composeSchema.parse(parse(composeText, { merge: true }));

/** What compose has a service run, its name left out; with the paths of its container led to where they are here. */
export function composeArguments(service: string, paths: Readonly<Record<string, string>>): readonly string[] {
  const [, ...args] = compose.services[service]?.command ?? [];
  return args.map((argument) => led(argument, paths));
}

/** The variables that compose gives a service, paths led as above. */
export function composeEnvironment(service: string, paths: Readonly<Record<string, string>>): Record<string, string> {
  const given = Object.entries(compose.services[service]?.environment ?? {});
  return Object.fromEntries(given.map(([name, value]) => [name, led(value, paths)]));
}

function led(text: string, paths: Readonly<Record<string, string>>): string {
  return Object.entries(paths).reduce((now, [there, here]) => now.replaceAll(there, here), text);
}
