import { explainConflict } from '@penstock/core/conflict';
import type { FoundConflict } from '@penstock/db/find-conflicts';
import { html } from 'hono/html';
import { timeOf } from './forms.ts';
import { page, type Html } from './pages.ts';

/** What does not add up, newest first; `more` is the address of what comes after. */
export function conflictsPage(options: {
  readonly conflicts: readonly FoundConflict[];
  readonly state: string;
  readonly more: string | null;
}): Html {
  const { conflicts, state, more } = options;
  return page(
    'Conflicts',
    html`
    <section aria-labelledby="conflicts">
      <h2 id="conflicts">Conflicts, ${state}</h2>
      <p><code>pnpm conflicts resolve &lt;id&gt;</code> asks the provider how the payment stands, <code>pnpm conflicts dismiss &lt;id&gt;</code> lets it be.</p>
      ${conflicts.length === 0 ? html`<p>There are none.</p>` : conflictsTable(conflicts)}
      <p>${more === null ? '' : html`<a href="${more}">Older</a> · `}<a href="/conflicts">Open</a> · <a href="/conflicts?state=all">All</a></p>
    </section>`,
    '/conflicts',
  );
}

function conflictsTable(conflicts: readonly FoundConflict[]): Html {
  return html`
    <table>
      <thead><tr><th scope="col">Id</th><th scope="col">Kind</th><th scope="col">About</th><th scope="col">Why</th><th scope="col">Opened</th><th scope="col">State</th></tr></thead>
      <tbody>${conflicts.map(
        (conflict) => html`
        <tr><th scope="row">${conflict.id}</th><td>${conflict.kind}</td><td>${aboutOf(conflict)}</td><td>${explainConflict(conflict)}</td><td>${timeOf(conflict.openedAt)}</td><td>${stateOf(conflict)}</td></tr>`,
      )}</tbody>
    </table>`;
}

function aboutOf({ account, payment, event }: FoundConflict): Html {
  if (payment === null) return html`${account} <code>${event ?? 'a merged payment'}</code>`;
  const address = `/payments/${encodeURIComponent(payment)}?account=${encodeURIComponent(account)}`;
  return html`${account} <a href="${address}">${payment}</a>`;
}

function stateOf({ state, closeReason, closedBy, closedByEvent, fetchState, fetchErrorCode }: FoundConflict): string {
  if (state !== 'open') return `${state} by ${closedByEvent ?? closedBy ?? 'nobody'}: ${closeReason ?? ''}`;
  if (fetchErrorCode !== null) return `open, could not be asked: ${fetchErrorCode}`;
  return fetchState === 'idle' ? 'open' : `open, ${fetchState}`;
}
