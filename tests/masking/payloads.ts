import { globSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import * as z from 'zod';
import { bodyOf, stripeEvents } from '../fuzz/corpus.ts';

/** A payload of a provider's, parsed. */
export interface Payload {
  readonly from: string;
  readonly value: unknown;
}

const root = path.join(import.meta.dirname, '../..');

/** Real payloads: Stripe's samples of its resources, GitHub's examples of its webhooks, and every JSON fixture of a provider. */
export const payloads: readonly Payload[] = [
  ...stripeEvents.map((body) => ({ from: 'stripe', value: parse(body.toString('utf8')) })),
  ...z
    .array(z.object({ examples: z.array(z.unknown()) }))
    .parse(createRequire(import.meta.url)('@octokit/webhooks-examples/api.github.com/index.json'))
    .flatMap(({ examples }) => examples.map((value) => ({ from: 'github', value }))),
  ...globSync('packages/core/src/providers/*/fixtures/*.json', { cwd: root }).map((file) => ({
    from: file.split(path.sep)[4] ?? '',
    value: parse(readFileSync(path.join(root, file), 'utf8')),
  })),
];

/** A copy in which each text is what `change` makes of it. */
export function mapTexts(value: unknown, change: (text: string, name: string) => string, name = ''): unknown {
  if (typeof value === 'string') return change(value, name);
  if (Array.isArray(value)) return value.map((item: unknown) => mapTexts(item, change, name));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, mapTexts(member, change, key)]));
}

/** Every text with the name of its field, and every number as text. */
export function leavesOf(value: unknown): readonly { readonly name: string; readonly text: string }[] {
  const leaves: { readonly name: string; readonly text: string }[] = [];
  mapTexts(
    JSON.parse(bodyOf(value).toString('utf8'), (_name, member: unknown) =>
      typeof member === 'number' ? String(member) : member,
    ),
    (text, name) => {
      leaves.push({ name, text });
      return text;
    },
  );
  return leaves;
}

function parse(text: string): unknown {
  return JSON.parse(text);
}
