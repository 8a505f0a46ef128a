import { budgetOf, type Incident } from '@penstock/core/sla-report';
import type { SlaBeside, SlaRow } from '@penstock/db/sla';
import type { Answered, AnsweredEvents } from '@penstock/runtime/answered-in-time';
import { html } from 'hono/html';
import { page, type Html } from './pages.ts';

/** How much was answered in time; or that no Prometheus is known, or that it does not answer. */
export type AnsweredOrWhy = Answered | 'unset' | 'away';

/** How the promise was kept: events processed within 30 s of their receipt, by provider and type. */
export function slaPage(report: {
  readonly days: number;
  readonly rows: readonly SlaRow[];
  readonly incidents: readonly Incident[];
  readonly beside: SlaBeside;
  readonly answered: AnsweredOrWhy;
}): Html {
  const { days, rows, incidents, beside, answered } = report;
  const { events, late, share, left } = budgetOf(rows);
  return page(
    'Service level',
    html`
    <section aria-labelledby="sla">
      <h2 id="sla">Service level of ${inDays(days)}</h2>
      <p><strong>${percent(share)}</strong> of ${events} events were processed within 30 s of their receipt (objective 99.9 %), ${late} were not. ${budgetWords(left)}</p>
      <p>From the ledger's own times. Left out are the canary and what was replayed after it was finished (${beside.replayed}).</p>
      <p>${[1, 7, 30, 90].map((choice) => html`<a href="/sla?days=${choice}">${inDays(choice)}</a> `)}</p>
      ${rows.length === 0 ? html`<p>No event was received.</p>` : rowsTable(rows)}
    </section>
    <section aria-labelledby="answered">
      <h2 id="answered">Answered within 250 ms</h2>
      ${answeredWords(answered)}
    </section>
    <section aria-labelledby="incidents">
      <h2 id="incidents">Worst incidents</h2>
      ${incidents.length === 0 ? html`<p>None.</p>` : incidentsTable(incidents)}
    </section>
    <section aria-labelledby="canary">
      <h2 id="canary">Canary</h2>
      ${canaryWords(beside.canary)}
    </section>`,
    '/sla',
  );
}

/** The ledger does not know when an answer was sent. */
function answeredWords(answered: AnsweredOrWhy): Html {
  if (answered === 'unset')
    return html`<p>Known to Prometheus alone, of which this console does not know: set <code>PROMETHEUS_URL</code>.</p>`;
  if (answered === 'away') return html`<p>Prometheus does not answer now; load the page again.</p>`;
  if (answered.endpoints.length === 0) return html`<p>Prometheus has no requests of this time.</p>`;
  return html`
    <table class="figures">
      <thead><tr><th scope="col">Provider</th><th scope="col">Endpoint</th><th scope="col" class="n">Requests</th><th scope="col" class="n">In time</th></tr></thead>
      <tbody>${answered.endpoints.map(
        ({ provider, endpoint, requests, share }) => html`
        <tr><th scope="row">${provider}</th><td>${endpoint}</td><td class="n">${Math.round(requests)}</td><td class="n">${percent(share)}</td></tr>`,
      )}</tbody>
    </table>
    <p>Of the genuine requests (2xx and 5xx); the objective is 99.9 %. As far back as Prometheus keeps them.</p>
    ${answeredTypesTable(answered.types)}
    <p>Of the accepted events, each as often as it was sent: what was answered 5xx had no type yet.</p>`;
}

function answeredTypesTable(types: readonly AnsweredEvents[]): Html {
  return html`
    <table class="figures">
      <thead><tr><th scope="col">Provider</th><th scope="col">Type</th><th scope="col" class="n">Events</th><th scope="col" class="n">In time</th></tr></thead>
      <tbody>${types.map(
        ({ provider, type, events, share }) => html`
        <tr><th scope="row">${provider}</th><td><code>${type}</code></td><td class="n">${Math.round(events)}</td><td class="n">${percent(share)}</td></tr>`,
      )}</tbody>
    </table>`;
}

/** One that never reached the ledger is not seen here: its sender counts it. */
function canaryWords({ sent, late, lastReceivedAt, p50, most }: SlaBeside['canary']): Html {
  return lastReceivedAt === null
    ? html`<p>No event of our own was received: <code>CANARY_URL</code> is set at no worker, or none comes through.</p>`
    : html`<p>An event of our own, sent every minute through the public port. The last was received at <strong>${minuteOf(lastReceivedAt)}</strong>. Of ${sent} received, ${late} were not finished within 30 s; half took at most ${seconds(p50)}, the longest ${seconds(most)}. Those that were lost on the way: <code>penstock_canaries_total</code>.</p>`;
}

function budgetWords(left: number): Html {
  if (left >= 0) return html`<strong>${percent(left)}</strong> of the error budget is left.`;
  return Number.isFinite(left)
    ? html`The error budget is spent <strong>${(1 - left).toFixed(1)} times</strong>.`
    : html`The error budget is spent.`;
}

function inDays(days: number): string {
  return days === 1 ? '1 day' : `${days} days`;
}

function rowsTable(rows: readonly SlaRow[]): Html {
  return html`
    <table class="figures">
      <thead><tr><th scope="col">Provider</th><th scope="col">Type</th><th scope="col" class="n">Events</th><th scope="col" class="n">In time</th><th scope="col" class="n">Late</th><th scope="col" class="n">Dead</th><th scope="col" class="n">P50</th><th scope="col" class="n">P95</th><th scope="col" class="n">P99</th><th scope="col" class="n">Most</th></tr></thead>
      <tbody>${rows.map(
        ({ provider, type, events, late, dead, p50, p95, p99, most }) => html`
        <tr><th scope="row">${provider}</th><td><code>${type}</code></td><td class="n">${events}</td><td class="n">${percent(1 - late / events)}</td><td class="n">${late}</td><td class="n">${dead}</td><td class="n">${seconds(p50)}</td><td class="n">${seconds(p95)}</td><td class="n">${seconds(p99)}</td><td class="n">${seconds(most)}</td></tr>`,
      )}</tbody>
    </table>`;
}

function incidentsTable(incidents: readonly Incident[]): Html {
  return html`
    <table class="figures">
      <thead><tr><th scope="col">From</th><th scope="col">To</th><th scope="col" class="n">Late</th><th scope="col" class="n">Longest</th><th scope="col">Providers</th></tr></thead>
      <tbody>${incidents.map(
        ({ from, to, late, providers, mostSeconds }) => html`
        <tr><th scope="row">${minuteOf(from)}</th><td>${minuteOf(to)}</td><td class="n">${late}</td><td class="n">${seconds(mostSeconds)}</td><td>${providers.join(', ')}</td></tr>`,
      )}</tbody>
    </table>`;
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(2)} %` : 'None';
}

function seconds(value: number | null): string {
  return value === null ? '–' : `${value.toFixed(2)} s`;
}

function minuteOf(time: Date): Html {
  const text = time.toISOString();
  return html`<time datetime="${text}">${text.slice(0, 16).replace('T', ' ')} UTC</time>`;
}
