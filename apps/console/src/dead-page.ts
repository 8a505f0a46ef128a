import type { DeadEvent, EventStory } from '@penstock/db/dead-events';
import type { DeadReport, Healing } from '@penstock/db/dead-report';
import { html } from 'hono/html';
import { changeForm, filterInputs, reasonInput, timeOf } from './forms.ts';
import { page, type Html } from './pages.ts';
import { filterFields } from './read-filter.ts';
import type { Session } from './sessions.ts';
import { trendPlot } from './trend-plot.ts';

/** Why events are dead, which they are, and a replay of all that the filter means. */
export function deadPage(given: {
  readonly report: DeadReport;
  readonly fields: URLSearchParams;
  readonly events: readonly DeadEvent[];
  readonly nextPage: string | null;
  readonly session: Session;
}): Html {
  const { report, fields, events, nextPage, session } = given;
  return page(
    'Dead letters',
    html`
    <section aria-labelledby="dead">
      <h2 id="dead">Dead letters</h2>
      <p><strong>${report.dead}</strong> dead now, ${report.deaths} died in the last 7 days. ${healed(report.replayed)}</p>
      ${trendPlot(report)}
      ${report.causes.length === 0 ? html`<p>Nothing has died of late.</p>` : causesTable(report)}
      ${report.kinds.length === 0 ? '' : kindsTable(report)}
    </section>
    <section aria-labelledby="events">
      <h2 id="events">Events</h2>
      <form method="get" action="/dead" class="filter">${filterInputs(fields)}<button type="submit">Show</button></form>
      ${events.length === 0 ? html`<p>No dead event matches.</p>` : eventsTable(events)}
      ${nextPage === null ? '' : html`<p><a href="${nextPage}">Older ones</a></p>`}
      ${changeForm(session, {
        action: '/replays',
        button: 'Plan a replay of all that match',
        inputs: html`${hiddenFilter(fields)}${reasonInput('why')}`,
      })}
    </section>`,
    '/dead',
  );
}

function hiddenFilter(fields: URLSearchParams): Html {
  return html`${filterFields.map(({ name }) =>
    fields.getAll(name).map((value) => html`<input type="hidden" name="${name}" value="${value}">`),
  )}`;
}

function causesTable({ causes }: DeadReport): Html {
  return html`
    <table>
      <thead><tr><th scope="col">Cause</th><th scope="col" class="n">Dead</th><th scope="col">First</th><th scope="col">Last</th><th scope="col" class="n">Replays healed</th></tr></thead>
      <tbody>${causes.map(
        ({ fingerprint, code, message, dead, firstSeen, lastSeen, replayed }) => html`
        <tr><th scope="row"><a href="/dead?${new URLSearchParams({ fingerprint }).toString()}"><code>${code}</code></a><br>${message}</th><td class="n">${dead}</td><td>${timeOf(firstSeen)}</td><td>${timeOf(lastSeen)}</td><td class="n">${replayed.events === 0 ? '–' : `${replayed.healed} of ${replayed.events}`}</td></tr>`,
      )}</tbody>
    </table>`;
}

function kindsTable({ kinds }: DeadReport): Html {
  return html`
    <table>
      <thead><tr><th scope="col">Provider and type</th><th scope="col" class="n">Dead</th></tr></thead>
      <tbody>${kinds.map(
        ({ provider, type, dead }) => html`
        <tr><th scope="row"><a href="/dead?${new URLSearchParams({ provider, type }).toString()}">${provider} <code>${type}</code></a></th><td class="n">${dead}</td></tr>`,
      )}</tbody>
    </table>`;
}

function eventsTable(events: readonly DeadEvent[]): Html {
  return html`
    <table>
      <thead><tr><th scope="col">Event</th><th scope="col">Failure</th><th scope="col" class="n">Attempts</th><th scope="col">Died</th></tr></thead>
      <tbody>${events.map(
        (event) => html`
        <tr><th scope="row"><a href="${pathOf(event)}">${event.eventId}</a><br><code>${event.type}</code></th><td><code>${event.code ?? ''}</code><br>${event.message ?? ''}</td><td class="n">${event.attempts}</td><td>${timeOf(event.finishedAt)}</td></tr>`,
      )}</tbody>
    </table>`;
}

/** Where an event's page is. */
export function pathOf({ eventId, account }: Pick<DeadEvent, 'eventId' | 'account'>): string {
  return `/dead/${encodeURIComponent(eventId)}?${new URLSearchParams({ account }).toString()}`;
}

/** One event: why it is dead, what happened to it, and what it says as far as it may be shown. */
export function eventPage(given: {
  readonly story: Omit<EventStory, 'body'>;
  readonly preview: unknown;
  readonly session: Session;
}): Html {
  const { story, preview, session } = given;
  const { eventId, account, provider, endpoint, type, state, reason, attempts, firstFailure, code, message } = story;
  return page(
    eventId,
    html`
    <section aria-labelledby="event">
      <h2 id="event">${eventId}</h2>
      <dl>
        <dt>State</dt><dd><strong>${state}</strong>${reason === null ? '' : ` (${reason})`} after ${attempts} attempts</dd>
        <dt>Event</dt><dd>${provider} <code>${type}</code>, endpoint ${endpoint}, account ${account}</dd>
        ${firstFailure === null ? '' : html`<dt>First failure</dt><dd><code>${firstFailure.code}</code> ${firstFailure.message}</dd>`}
        ${code === null ? '' : html`<dt>Last failure</dt><dd><code>${code}</code> ${message ?? ''}</dd>`}
        <dt>Trace</dt><dd>${story.traceId ?? 'none'}, request ${story.requestId}</dd>
        ${story.handlers.map(({ handler, state: ran, attempts: times }) => html`<dt>Handler ${handler}</dt><dd>${ran} after ${times}</dd>`)}
      </dl>
      <h3>What happened</h3>
      <ol>${story.timeline.map(({ at, what }) => html`<li>${timeOf(at)} ${what}</li>`)}</ol>
      <h3>What it says</h3>
      <p>Personal data is masked. An event is what the provider said: it can be replayed, not edited.</p>
      <pre>${JSON.stringify(preview, null, 2)}</pre>
      ${state === 'dead' || state === 'discarded' ? changes(story, session) : ''}
    </section>`,
    '/dead',
  );
}

function changes({ eventId, account, state }: Omit<EventStory, 'body'>, session: Session): Html {
  const hidden = html`<input type="hidden" name="account" value="${account}">`;
  const one = html`<input type="hidden" name="event" value="${eventId}"><input type="hidden" name="state" value="${state}">`;
  return html`
    ${changeForm(session, { action: '/replays', button: 'Plan a replay', inputs: html`${hidden}${one}${reasonInput('why')}` })}
    ${
      state === 'discarded'
        ? ''
        : changeForm(session, {
            action: `/dead/${encodeURIComponent(eventId)}/discard`,
            button: 'Discard',
            danger: true,
            inputs: html`${hidden}${reasonInput('reason')}`,
          })
    }`;
}

function healed({ events, healed: well }: Healing): string {
  if (events === 0) return 'No dead event has been replayed yet.';
  return `Of ${events} replayed, ${well} are healed (${Math.floor((well / events) * 100)} %).`;
}
