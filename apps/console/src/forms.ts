import { html } from 'hono/html';
import type { Html } from './pages.ts';
import { filterFields } from './read-filter.ts';
import type { Session } from './sessions.ts';

/** The fields of a filter, filled with what was asked for. */
export function filterInputs(fields: URLSearchParams): Html {
  return html`${filterFields.map(
    ({ name, label, hint }) => html`
      <label>${label} <input name="${name}" value="${fields.get(name) ?? ''}" placeholder="${hint}" maxlength="255"></label>`,
  )}`;
}

/** A form that changes something: with the session's token, for operators alone. */
export function changeForm(
  session: Session,
  form: { readonly action: string; readonly button: string; readonly inputs?: Html; readonly danger?: boolean },
): Html {
  if (session.role !== 'operator') return html``;
  return html`
    <form method="post" action="${form.action}">
      <input type="hidden" name="csrf" value="${session.csrf}">
      ${form.inputs ?? ''}
      <button type="submit"${form.danger === true ? html` class="danger"` : ''}>${form.button}</button>
    </form>`;
}

/** Why somebody does it. */
export function reasonInput(name: 'why' | 'reason'): Html {
  return html`<label>Why <input name="${name}" required maxlength="500" placeholder="for the audit"></label>`;
}

/** `2026-03-01 12:00 UTC`. */
export function timeOf(time: Date | null): Html {
  if (time === null) return html`–`;
  const text = time.toISOString();
  return html`<time datetime="${text}">${text.slice(0, 16).replace('T', ' ')} UTC</time>`;
}
