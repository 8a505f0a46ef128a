import { queueStates, type QueueCounts } from '@penstock/runtime/webhook-queue';
import { html } from 'hono/html';

export type Html = ReturnType<typeof html>;

/** Where operators log in; `problem` says why the last attempt failed. */
export function loginPage(options: { readonly next: string; readonly problem?: string }): Html {
  return document(
    'Log in',
    html`
    <h1>Penstock</h1>
    <form method="post" action="/login" class="narrow">
      ${options.problem === undefined ? '' : html`<p role="alert">${options.problem}</p>`}
      <input type="hidden" name="next" value="${options.next}">
      <label for="name">Your name, for the audit</label>
      <input id="name" name="name" autocomplete="username" maxlength="100" required autofocus>
      <label for="password">Password</label>
      <input type="password" id="password" name="password" autocomplete="current-password" maxlength="1024" required>
      <button type="submit">Log in</button>
    </form>`,
  );
}

/** What stands where, at a glance; `counts` is null where the queue does not answer. */
export function frontPage(options: { readonly queueName: string; readonly counts: QueueCounts | null }): Html {
  return page(
    'Console',
    html`
    <section aria-labelledby="queue">
      <h2 id="queue">Queue <code>${options.queueName}</code></h2>
      ${options.counts === null ? html`<p role="alert">The queue does not answer.</p>` : countsTable(options.counts)}
    </section>
    <section aria-labelledby="pages">
      <h2 id="pages">Where to look</h2>
      <dl>${Object.entries(places).map(([path, { name, tells }]) =>
        tells === null ? '' : html`<dt><a href="${path}">${name}</a></dt><dd>${tells}</dd>`,
      )}</dl>
    </section>`,
    '/',
  );
}

function countsTable(counts: QueueCounts): Html {
  const total = queueStates.reduce((sum, state) => sum + counts[state], 0);
  return html`
    <table>
      <thead><tr><th scope="col">State</th><th scope="col" class="n">Events</th></tr></thead>
      <tbody>${queueStates.map((state) => html`<tr><th scope="row">${state}</th><td class="n">${counts[state]}</td></tr>`)}</tbody>
      <tfoot><tr><th scope="row">total</th><td class="n">${total}</td></tr></tfoot>
    </table>`;
}

/** Why something was not done; `ways` lead to what may have been meant. */
export function refusalPage(refusal: {
  readonly title: string;
  readonly detail?: string;
  readonly code: string;
  /** By which the log has a line about it. */
  readonly requestId: string;
  readonly isLoggedIn: boolean;
  readonly ways: Html | undefined;
}): Html {
  const { title, detail } = refusal;
  const content = html`
    <section aria-labelledby="refusal">
      <h2 id="refusal">${title}</h2>
      <p role="alert">${detail === undefined ? '' : `${detail} `}(<code>${refusal.code}</code>)</p>
      ${refusal.ways ?? ''}
      <p>Request <code>${refusal.requestId}</code></p>
    </section>`;
  return refusal.isLoggedIn ? page(title, content, null) : document(title, content);
}

/** What every page leads to, and what it tells; null for the one that lists the others. */
const places = {
  '/': { name: 'Overview', tells: null },
  '/queues': { name: 'Queue', tells: 'its jobs, one by one' },
  '/dead': { name: 'Dead letters', tells: 'which events died, why, and what replays healed' },
  '/replays': { name: 'Replays', tells: 'planned, under way and done' },
  '/conflicts': { name: 'Conflicts', tells: 'what does not add up in what events say' },
  '/keys': { name: 'Keys', tells: 'which signing key was used when last' },
  '/sla': { name: 'Service level', tells: 'how many events were processed in time' },
  '/api': { name: 'API', tells: 'what programs can read, and how' },
} as const;

/** A page for those who are logged in; `place` is the one of the header's that it belongs to, null where it is none of them. */
export function page(title: string, content: Html, place: keyof typeof places | null): Html {
  return document(
    title,
    html`
    <header>
      <h1><a href="/">Penstock</a></h1>
      <nav aria-label="Pages">${Object.entries(places).map(
        ([path, { name }]) => html`<a href="${path}"${path === place ? html` aria-current="page"` : ''}>${name}</a>`,
      )}</nav>
      <form method="get" action="/payments" role="search">
        <input name="id" type="search" required maxlength="255" aria-label="Any id that a payment's events named" placeholder="Any payment id">
        <button type="submit">Find</button>
      </form>
      <form method="post" action="/logout"><button type="submit">Log out</button></form>
    </header>
    ${content}`,
  );
}

function document(title: string, content: Html): Html {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>${title} – Penstock</title>
    <link rel="stylesheet" href="/console.css">
  </head>
  <body>
    <main>
      ${content}
    </main>
  </body>
</html>
`;
}
