import type { LedgerDatabase } from '@penstock/db/database';
import type { Handler } from 'hono';
import { html } from 'hono/html';
import { findPayment } from './find-payment.ts';
import type { Html } from './pages.ts';
import { paymentPage } from './payment-page.ts';
import { wantsPage } from './request.ts';
import { refuse, type ConsoleEnv } from './respond.ts';

/** A provider's id as the ledger takes it, with or without its prefix: printable ASCII without spaces. */
const identifier = /^[\x21-\x7e]{1,255}$/;

/** GET /payments/:id, `?account=` where accounts share ids: a page for people, JSON for the rest. */
export function paymentRoute(db: LedgerDatabase): Handler<ConsoleEnv, '/payments/:id'> {
  return async (context) => {
    const id = context.req.param('id');
    const account = context.req.query('account');
    if (!identifier.test(id))
      return refuse(context, {
        kind: 'parameter_invalid',
        problem: 'The id must be 1 to 255 printable ASCII characters.',
      });
    if (account !== undefined && !identifier.test(account))
      return refuse(context, {
        kind: 'parameter_invalid',
        problem: 'The account must be 1 to 255 printable ASCII characters.',
      });

    const finding = await findPayment(db, { id, account });
    switch (finding.kind) {
      case 'found':
        return wantsPage(context.req.header('accept'))
          ? context.html(paymentPage(finding.payment))
          : context.json(finding.payment);
      case 'unknown':
        return refuse(context, { kind: 'payment_unknown' });
      case 'ambiguous':
        return refuse(context, { kind: 'payment_ambiguous', matches: finding.matches }, accountsOf(finding.matches));
    }
  };
}

/** Where an id is that accounts share. */
function accountsOf(matches: readonly { readonly account: string; readonly id: string }[]): Html {
  return html`<ul>${matches.map(({ account, id }) => {
    const address = `/payments/${encodeURIComponent(id)}?${new URLSearchParams({ account }).toString()}`;
    return html`<li><a href="${address}">${id} of ${account}</a></li>`;
  })}</ul>`;
}
