import { formatMoney } from '@penstock/core/money';
import { html } from 'hono/html';
import type { PaymentView } from './find-payment.ts';
import { page, type Html } from './pages.ts';

/** One payment: how it stands, what was given back or disputed, and by which events it came there. */
export function paymentPage(payment: PaymentView): Html {
  const { id, account, provider, refunds, disputes, timeline } = payment;
  return page(
    id,
    html`
    <section aria-labelledby="payment">
      <h2 id="payment">Payment ${id}</h2>
      <dl>
        <dt>Status</dt><dd><strong>${payment.status}</strong>${payment.failureCode === null ? '' : html` <code>${payment.failureCode}</code>`}</dd>
        <dt>Amount</dt><dd>${money(payment.amount, payment.currency)}</dd>
        <dt>Captured</dt><dd>${money(payment.amountCaptured, payment.currency)}</dd>
        <dt>Refunded</dt><dd>${money(payment.amountRefunded, payment.currency)} (${payment.refundState})</dd>
        <dt>Dispute</dt><dd>${payment.disputeState}</dd>
        <dt>Of</dt><dd>${provider}, account ${account}</dd>
        <dt>As of</dt><dd>${timeOf(payment.occurredAt)}, version ${payment.version}</dd>
      </dl>
      ${payment.conflict === null ? '' : html`<p role="alert">What its events say does not add up: ${payment.conflict}. See <a href="/conflicts">conflicts</a>.</p>`}
      ${payment.needsFetch ? html`<p role="status">Only a refund or a dispute of it is known so far.</p>` : ''}
    </section>
    ${refunds.length === 0 ? '' : partsSection('Refunds', refunds)}
    ${disputes.length === 0 ? '' : partsSection('Disputes', disputes)}
    <section aria-labelledby="timeline">
      <h3 id="timeline">What happened</h3>
      <p>In the order it happened at the provider, whenever it arrived.</p>
      ${timelineTable(timeline, account)}
      <p>Programs that ask for JSON at this address get all of it.</p>
    </section>`,
    null,
  );
}

function partsSection(name: 'Refunds' | 'Disputes', parts: PaymentView['refunds'] | PaymentView['disputes']): Html {
  return html`
    <section aria-labelledby="${name}">
      <h3 id="${name}">${name}</h3>
      <table>
        <thead><tr><th scope="col">Id</th><th scope="col">Status</th><th scope="col" class="n">Amount</th><th scope="col">Reason</th><th scope="col">As of</th></tr></thead>
        <tbody>${parts.map(
          (part) => html`
          <tr><th scope="row"><code>${part.id}</code></th><td>${part.status}${'funds' in part ? html`, funds ${part.funds}` : ''}</td><td class="n">${money(part.amount, part.currency)}</td><td>${part.reason ?? ''}</td><td>${timeOf(part.occurredAt)}</td></tr>`,
        )}</tbody>
      </table>
    </section>`;
}

function timelineTable(timeline: PaymentView['timeline'], account: string): Html {
  return html`
    <table>
      <thead><tr><th scope="col">Happened</th><th scope="col">What</th><th scope="col">Event</th><th scope="col">Received</th><th scope="col" class="n">Sent</th><th scope="col">State</th></tr></thead>
      <tbody>${timeline.map(
        (entry) => html`
        <tr><th scope="row">${timeOf(entry.occurredAt)}</th><td>${entry.canonicalType}<br><code>${entry.type}</code></td><td><a href="/dead/${encodeURIComponent(entry.eventId)}?${new URLSearchParams({ account }).toString()}">${entry.eventId}</a></td><td>${timeOf(entry.receivedAt)}</td><td class="n">${entry.deliveries.length === 0 ? '' : `${entry.deliveries.length} ×`}</td><td>${entry.state}</td></tr>`,
      )}</tbody>
    </table>`;
}

/** Of some refunds and disputes the amount is not told, nor before a payment's first event is the currency. */
function money(amount: number | null, currency: string | null): string {
  if (amount === null) return 'not told';
  return currency === null ? String(amount) : formatMoney(amount, currency);
}

/** To the second: events of one payment come close together. */
function timeOf(text: string): Html {
  return html`<time datetime="${text}">${text.slice(0, 19).replace('T', ' ')} UTC</time>`;
}
