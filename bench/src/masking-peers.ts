import path from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';

/** A library of the same purpose. */
export interface Peer {
  readonly name: string;
  readonly mask: (text: string) => Promise<string>;
}

const masked = z.union([z.string(), z.object({ redacted: z.string() }).transform(({ redacted }) => redacted)]);

/** Each as its own documentation uses it, with the settings it comes with. */
export async function openPeers(modules: string): Promise<readonly Peer[]> {
  const load = async (file: string): Promise<unknown> => import(pathToFileURL(path.join(modules, file)).href);
  const { SyncRedactor } = z
    .object({ SyncRedactor: z.custom<new () => { readonly redact: (text: string) => unknown }>() })
    .parse(await load('redact-pii/lib/index.js'));
  const redactor = new SyncRedactor();
  const { redact, standardRules } = z
    .object({ redact: z.custom<(text: string, rules: unknown) => unknown>(), standardRules: z.unknown() })
    .parse(await load('@visulima/redact/dist/index.js'));
  const { OpenRedaction } = z
    .object({ OpenRedaction: z.custom<new () => { readonly detect: (text: string) => unknown }>() })
    .parse(await load('@openredaction/openredaction/dist/index.mjs'));
  const shield = new OpenRedaction();
  return [
    { name: 'redact-pii 3.4.0', mask: async (text) => masked.parse(redactor.redact(text)) },
    { name: '@visulima/redact 2.0.5', mask: async (text) => masked.parse(redact(text, standardRules)) },
    { name: '@openredaction/openredaction 1.0.4', mask: async (text) => masked.parse(await shield.detect(text)) },
  ];
}
