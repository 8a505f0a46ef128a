import { queueStates, type QueueCounts } from '@penstock/runtime/webhook-queue';
import { html } from 'hono/html';

export type Html = ReturnType<typeof html>;

/** Where operators log in; `problem` says why the last attempt failed. */
export function loginPage(options: { readonly next: string; readonly problem?: string }): Html {
  return page(
    'Log in',
    html`
    <form method="post" action="/login">
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
      <p><a href="/queues">Look into the queue</a></p>
    </section>
    <section aria-labelledby="dead">
      <h2 id="dead">Dead letters</h2>
      <p><a href="/dead">Why, which, and what replays healed</a> · <a href="/replays">Replays</a></p>
    </section>
    <section aria-labelledby="payments">
      <h2 id="payments">Payments</h2>
      <form method="get" action="/payments" class="filter">
        <label>Any id that an event named <input name="id" required maxlength="255" placeholder="of the payment, an order, a charge, a refund…"></label>
        <button type="submit">Show</button>
      </form>
      <p>Tells the payment and its timeline as JSON, as <code>/payments/&lt;id&gt;</code> does.</p>
    </section>
    <section aria-labelledby="conflicts">
      <h2 id="conflicts">Conflicts</h2>
      <p><a href="/conflicts">What does not add up</a></p>
    </section>
    <section aria-labelledby="keys">
      <h2 id="keys">Signing keys</h2>
      <p><a href="/keys">Which was used when last</a></p>
    </section>
    <section aria-labelledby="sla">
      <h2 id="sla">Service level</h2>
      <p><a href="/sla">How many events were processed in time</a></p>
    </section>
    <section aria-labelledby="api">
      <h2 id="api">For programs</h2>
      <p><a href="/api">What can be read, and how</a></p>
    </section>
    <form method="post" action="/logout"><button type="submit">Log out</button></form>`,
  );
}

function countsTable(counts: QueueCounts): Html {
  const total = queueStates.reduce((sum, state) => sum + counts[state], 0);
  return html`
    <table>
      <thead><tr><th scope="col">State</th><th scope="col">Events</th></tr></thead>
      <tbody>${queueStates.map((state) => html`<tr><th scope="row">${state}</th><td>${counts[state]}</td></tr>`)}</tbody>
      <tfoot><tr><th scope="row">total</th><td>${total}</td></tr></tfoot>
    </table>`;
}

/** Why something was not done. */
export function refusalPage(refusal: { readonly title: string; readonly detail: string; readonly code: string }): Html {
  return page(
    refusal.title,
    html`
    <section aria-labelledby="refusal">
      <h2 id="refusal">${refusal.title}</h2>
      <p role="alert">${refusal.detail} (<code>${refusal.code}</code>)</p>
      <p><a href="/replays">Replays</a> · <a href="/dead">Dead letters</a></p>
    </section>`,
  );
}

/** A page of the console. */
export function page(title: string, content: Html): Html {
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
      <h1>Penstock</h1>
      ${content}
    </main>
  </body>
</html>
`;
}
