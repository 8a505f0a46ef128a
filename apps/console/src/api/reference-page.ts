import { html } from 'hono/html';
import * as z from 'zod';
import { page, type Html } from '../pages.ts';
import type { ApiDocument } from './read-api.ts';

/** What the page tells of a parameter, of a schema and of a read: all of it stands in the document. */
const schema = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  enum: z.array(z.unknown()).optional(),
  description: z.string().optional(),
  format: z.string().optional(),
  example: z.unknown().optional(),
  get items() {
    return schema.optional();
  },
  get properties() {
    return z.record(z.string(), schema).optional();
  },
  get anyOf() {
    return z.array(schema).optional();
  },
  get oneOf() {
    return z.array(schema).optional();
  },
  get allOf() {
    return z.array(schema).optional();
  },
});
type Schema = z.infer<typeof schema>;

const read = z.looseObject({
  summary: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
  parameters: z.array(z.looseObject({ name: z.string(), in: z.string(), required: z.boolean(), schema })).default([]),
  responses: z.looseObject({
    200: z.looseObject({ content: z.looseObject({ 'application/json': z.looseObject({ schema }) }) }),
  }),
});
type Read = z.infer<typeof read>;

/** The reference of the API, made from its document: nothing to load, no script, readable as it is. */
export function referencePage(document: ApiDocument, { origin }: { readonly origin: string }): Html {
  const reads = Object.entries(document.paths ?? {}).map(([path, item]) => ({ path, read: read.parse(item.get) }));
  const components = z.record(z.string(), schema).parse(document.components?.schemas ?? {});
  return page(
    'API',
    html`
    <section aria-labelledby="api">
      <h2 id="api">${document.info.title} ${document.info.version}</h2>
      <p>${inline(document.info.description ?? '')}</p>
      <p>The same for machines: <a href="/api/openapi.json">openapi.json</a>, OpenAPI 3.1. You are logged in, so links here answer in your browser; programs send a key:</p>
      <pre><code>pnpm api-key create --name reports --scopes payments:read,events:read --expires 90d
curl -H "authorization: Bearer $PENSTOCK_KEY" "${origin}/api/payments?limit=10"</code></pre>
      <ul>${reads.map((each) => html`<li><a href="#${anchor(each.path)}"><code>${each.path}</code></a> ${each.read.summary}</li>`)}</ul>
    </section>
    ${reads.map((each) => readSection(each, origin))}
    <h2>What is answered</h2>
    ${Object.entries(components).map(
      ([name, each]) => html`<section aria-labelledby="schema-${name}"><h3 id="schema-${name}">${name}</h3>
      ${each.description === undefined ? '' : html`<p>${inline(each.description)}</p>`}${members(each)}</section>`,
    )}`,
    '/api',
  );
}

function readSection({ path, read: each }: { readonly path: string; readonly read: Read }, origin: string): Html {
  const answer = each.responses[200].content['application/json'].schema;
  return html`
    <section aria-labelledby="${anchor(path)}">
      <h3 id="${anchor(path)}"><code>GET ${path}</code></h3>
      <p>${each.summary}. ${inline(each.description)}</p>
      <pre><code>curl -H "authorization: Bearer $PENSTOCK_KEY" "${origin}${path.replaceAll(/\{(\w+)\}/g, '$$$1')}"</code></pre>
      ${each.parameters.length === 0 ? '' : parameters(each.parameters)}
      <p>Answers ${typeOf(answer)}.</p>
      ${answer.properties === undefined ? '' : members(answer)}
    </section>`;
}

function parameters(list: Read['parameters']): Html {
  return html`
      <table class="words">
        <thead><tr><th scope="col">Parameter</th><th scope="col">Form</th><th scope="col">Meaning</th></tr></thead>
        <tbody>${list.map(
          (each) =>
            html`<tr><th scope="row"><code>${each.name}</code>${each.required ? ' (needed)' : ''}</th><td class="text">${typeOf(each.schema)}</td><td class="text">${inline(each.schema.description ?? '')}</td></tr>`,
        )}</tbody>
      </table>`;
}

function members(object: Schema): Html {
  const own = [object, ...(object.allOf ?? [])].flatMap((part) => Object.entries(part.properties ?? {}));
  const others = [...(object.allOf ?? []), ...(object.oneOf ?? []), ...(object.anyOf ?? [])].filter(
    (part) => part.properties === undefined || object.allOf === undefined,
  );
  return html`
      ${others.map((part) => html`<p>${object.allOf === undefined ? 'Either' : 'All of'} ${typeOf(part)}${object.allOf === undefined ? '' : ', and'}</p>${part.properties === undefined ? '' : members(part)}`)}
      ${
        own.length === 0
          ? ''
          : html`<table class="words"><tbody>${own.map(
              ([name, each]) =>
                html`<tr><th scope="row"><code>${name}</code></th><td class="text">${typeOf(each)}</td><td class="text">${inline(each.description ?? '')}</td></tr>`,
            )}</tbody></table>`
      }`;
}

/** `integer or null`, `list of Payment`, `one of a, b`. */
function typeOf(each: Schema): Html | string {
  if (each.$ref !== undefined) {
    const name = each.$ref.slice(each.$ref.lastIndexOf('/') + 1);
    return html`<a href="#schema-${name}">${name}</a>`;
  }
  if (each.enum !== undefined)
    return html`${each.enum.map((word, index) => html`${index === 0 ? '' : ' · '}<code>${String(word)}</code>`)}`;
  if (each.items !== undefined) return html`list of ${typeOf(each.items)}`;
  const choices = each.anyOf ?? each.oneOf ?? each.allOf;
  if (choices !== undefined)
    return html`${choices.map((choice, index) => html`${index === 0 ? '' : ' or '}${typeOf(choice)}`)}`;
  const type = typeof each.type === 'string' ? each.type : (each.type ?? ['anything']).join(' or ');
  return each.format === undefined ? type : `${type}, ${each.format}`;
}

/** Text with `code` in it. */
function inline(text: string): Html {
  return html`${text.split('`').map((part, index) => (index % 2 === 0 ? part : html`<code>${part}</code>`))}`;
}

function anchor(path: string): string {
  return path.replaceAll(/[^a-z]+/g, '-').replaceAll(/^-|-$/g, '');
}
