import type { KeyUse } from '@penstock/db/key-uses';
import { html } from 'hono/html';
import { timeOf } from './forms.ts';
import { page, type Html } from './pages.ts';

/** Which signing key proved the deliveries of each endpoint when first and when last. */
export function keysPage(options: { readonly keys: readonly KeyUse[]; readonly now: Date }): Html {
  const { keys, now } = options;
  return page(
    'Signing keys',
    html`
    <section aria-labelledby="keys">
      <h2 id="keys">Signing keys</h2>
      <p>An old secret can go once it was not used for as long as its provider repeats a delivery. <code>pnpm key-name</code> tells the name of a secret.</p>
      ${keys.length === 0 ? html`<p>No event has been processed yet.</p>` : keysTable(keys, now)}
    </section>`,
    '/keys',
  );
}

function keysTable(keys: readonly KeyUse[], now: Date): Html {
  return html`
    <table>
      <thead><tr><th scope="col">Endpoint</th><th scope="col">Key</th><th scope="col">Last used</th><th scope="col">First used</th></tr></thead>
      <tbody>${keys.map(
        ({ endpoint, keyId, firstUsedAt, lastUsedAt }) => html`
        <tr><th scope="row">${endpoint}</th><td><code>${keyId}</code></td><td>${timeOf(lastUsedAt)}, ${agoOf(lastUsedAt, now)}</td><td>${timeOf(firstUsedAt)}</td></tr>`,
      )}</tbody>
    </table>`;
}

const units = [
  { name: 'day', seconds: 86_400 },
  { name: 'hour', seconds: 3_600 },
  { name: 'minute', seconds: 60 },
] as const;

/** `3 hours ago`. */
function agoOf(time: Date, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - time.getTime()) / 1_000));
  const unit = units.find((candidate) => seconds >= candidate.seconds);
  if (unit === undefined) return 'a moment ago';
  const count = Math.floor(seconds / unit.seconds);
  return `${count} ${unit.name}${count === 1 ? '' : 's'} ago`;
}
