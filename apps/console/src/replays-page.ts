import type { ReplayResult } from '@penstock/core/replay';
import type { KnownHandler } from '@penstock/db/known-handlers';
import type { ReplayPlan } from '@penstock/db/plan-replay';
import type { Replay, ReplayCommand } from '@penstock/db/replays';
import { html } from 'hono/html';
import { changeForm, filterInputs, reasonInput, timeOf } from './forms.ts';
import { page, type Html } from './pages.ts';
import type { Session } from './sessions.ts';

/** Every replay, and a form to plan one. */
export function replaysPage(given: {
  readonly replays: readonly Replay[];
  readonly nextPage: string | null;
  readonly handlers: readonly KnownHandler[];
  readonly session: Session;
}): Html {
  const { replays, nextPage, handlers, session } = given;
  return page(
    'Replays',
    html`
    <section aria-labelledby="replays">
      <h2 id="replays">Replays</h2>
      ${replays.length === 0 ? html`<p>There is none yet.</p>` : replaysTable(replays)}
      ${nextPage === null ? '' : html`<p><a href="${nextPage}">Older ones</a></p>`}
    </section>
    <section aria-labelledby="plan">
      <h2 id="plan">Plan one</h2>
      <p>A plan says what would happen and changes nothing. Handlers that are done are not run again, unless finished events are asked for and handlers are chosen.</p>
      ${session.role === 'operator' ? planForm(handlers, session) : html`<p>Planning needs the operator role.</p>`}
    </section>`,
    '/replays',
  );
}

function planForm(handlers: readonly KnownHandler[], session: Session): Html {
  return changeForm(session, {
    action: '/replays',
    button: 'Plan',
    inputs: html`
      <label>State <select name="state"><option>dead</option><option>discarded</option><option>processed</option><option>ignored</option></select></label>
      ${filterInputs(new URLSearchParams())}
      <fieldset><legend>Handlers to run again, of processed and ignored events</legend>
        ${handlers.map(({ name }) => html`<label><input type="checkbox" name="handler" value="${name}"> ${name}</label>`)}
        ${handlers.length === 0 ? html`<p>No worker has started with a handler yet.</p>` : ''}
      </fieldset>
      ${reasonInput('why')}`,
  });
}

function replaysTable(replays: readonly Replay[]): Html {
  return html`
    <table>
      <thead><tr><th scope="col">Replay</th><th scope="col">State</th><th scope="col" class="n">Events</th><th scope="col">By</th><th scope="col">Planned</th></tr></thead>
      <tbody>${replays.map(
        ({ id, state, events, reason, plannedBy, createdAt }) => html`
        <tr><th scope="row"><a href="/replays/${id}">${id}</a> ${reason}</th><td>${state}</td><td class="n">${events}</td><td>${plannedBy}</td><td>${timeOf(createdAt)}</td></tr>`,
      )}</tbody>
    </table>`;
}

/** One replay: its plan before, its progress after. */
export function replayPage(given: {
  readonly replay: Replay;
  readonly counts: ReplayResult;
  /** What it would do, while it is planned. */
  readonly plan: ReplayPlan | null;
  readonly session: Session;
}): Html {
  const { replay, counts, plan, session } = given;
  const { id, state, reason, plannedBy, appliedBy, events, handlers } = replay;
  const ended = counts.skipped + counts.healed + counts.dead;
  return page(
    `Replay ${id}`,
    html`
    <section aria-labelledby="replay">
      <h2 id="replay">Replay ${id} is ${state}</h2>
      <p>${reason} (planned by ${plannedBy}${appliedBy === null ? '' : `, applied by ${appliedBy}`})</p>
      ${state === 'planned' ? '' : html`<progress max="${events}" value="${ended}">${ended} of ${events}</progress>`}
      ${replay.heldReason === null ? '' : html`<p role="status">Waiting: live events come first.</p>`}
      <table><tbody>
        <tr><th scope="row">planned</th><td class="n">${events}</td></tr>
        <tr><th scope="row">given back to the workers</th><td class="n">${counts.moved}</td></tr>
        <tr><th scope="row">skipped, changed since the plan</th><td class="n">${counts.skipped}</td></tr>
        <tr><th scope="row">healed</th><td class="n">${counts.healed}</td></tr>
        <tr><th scope="row">dead</th><td class="n">${counts.dead}</td></tr>
        <tr><th scope="row">under way</th><td class="n">${counts.underWay}</td></tr>
      </tbody></table>
      <p>Filter: <code>${JSON.stringify(replay.filter)}</code>${handlers === null ? '' : html`; handlers: <code>${handlers.join(', ')}</code>`}</p>
      ${plan === null ? '' : planned(plan)}
      <div class="row">${commandsOf(replay).map(({ command, button }) => changeForm(session, { action: `/replays/${id}/${command}`, button, danger: command === 'cancel' }))}</div>
    </section>`,
    '/replays',
  );
}

function planned({ groups, sample, runs, estimateSeconds, replay }: ReplayPlan): Html {
  return html`
    <h3>What it means</h3>
    <table>
      <thead><tr><th scope="col">Type and cause</th><th scope="col" class="n">Events</th></tr></thead>
      <tbody>${groups.map(({ provider, type, code, events }) => html`<tr><th scope="row">${provider} <code>${type}</code> ${code ?? ''}</th><td class="n">${events}</td></tr>`)}</tbody>
    </table>
    <h3>Some of them</h3>
    <ul>${sample.map(({ eventId, type, message }) => html`<li>${eventId} <code>${type}</code> ${message ?? ''}</li>`)}</ul>
    <h3>${replay.handlers === null ? 'What would run' : 'What would run again, and nothing else'}</h3>
    ${runs.length === 0 ? html`<p>No handler that a worker is known to run.</p>` : ''}
    <ul>${runs.map(({ handler, events }) => html`<li>${handler}: ${events}</li>`)}</ul>
    <p>At ${replay.perSecond} a second at least ${estimateSeconds} s, longer while live traffic waits.</p>`;
}

function commandsOf({ state }: Replay): readonly { readonly command: ReplayCommand; readonly button: string }[] {
  const cancel = { command: 'cancel', button: 'Cancel' } as const;
  switch (state) {
    case 'planned':
      return [{ command: 'apply', button: 'Apply' }, cancel];
    case 'running':
      return [{ command: 'pause', button: 'Pause' }, cancel];
    case 'paused':
      return [{ command: 'resume', button: 'Resume' }, cancel];
    case 'cancelled':
    case 'done':
    case 'expired':
      return [];
  }
}
