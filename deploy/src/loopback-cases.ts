import type { collectFindings } from './findings.ts';
import type { LoopbackNginx } from './loopback-nginx.ts';
import { statuses, type Answer } from './loopback-requests.ts';
import { untilTrue } from './until-true.ts';

/** Posts through nginx. */
export interface Sender {
  readonly post: (at: string, body: Buffer, headers?: Readonly<Record<string, string>>) => Promise<Answer>;
  /** A genuine event, to Stripe's endpoint unless said otherwise, padded to so many bytes. */
  readonly event: (id: string, at?: string, bytes?: number) => Promise<Answer>;
}

type Tell = ReturnType<typeof collectFindings>['tell'];

/** deploy/nginx/allow: each file closes the endpoint of its name, one for no endpoint opens nothing. */
export async function checkAllowList(given: {
  readonly nginx: LoopbackNginx;
  readonly sender: Sender;
  readonly tell: Tell;
}): Promise<void> {
  const { nginx, sender, tell } = given;
  const json = { 'content-type': 'application/json' };
  const answer = async (endpoint: string) =>
    (await sender.post(`/webhooks/${endpoint}`, Buffer.from('{}'), json)).status;
  const others = 'allow 203.0.113.0/24;\n';

  nginx.allow({ 'limited.conf': others, 'stripe.conf': 'allow 127.0.0.1;\n', 'README.md': '' });
  const closed = await untilTrue(async () => (await answer('limited')) === 403);
  tell('nginx', 'any endpoint, an address that is not in its file', closed ? 403 : 'let through', closed);
  const named = (await sender.event('evt_0')).status;
  tell('nginx', 'an address that is in the file of an endpoint', named, named === 200);
  const unnamed = await answer('paypal');
  tell('nginx', 'an endpoint without a file, where others have one', unnamed, unnamed === 403);
  const written = await Promise.all(['%6cimited', '../webhooks/limited', 'limited/', '/limited'].map(answer));
  tell('nginx', "a closed endpoint's name, written otherwise", written.join(' '), !written.some(isHeard));
  const canary = await answer('canary');
  tell('nginx', 'the canary, which has no file', canary, canary === 401);

  const refusal = refusedBy(() => nginx.allow({ 'Limited.conf': others }));
  tell('nginx', "a file that is no endpoint's", refusal, refusal.includes('no endpoint has such a name'));
  nginx.allow({ 'stripe-cloud.conf': others });
  const slip = await untilTrue(async () => (await sender.event('evt_0')).status === 403);
  tell('nginx', 'stripe, where stripe-cloud alone has a file', slip ? 403 : 'let through', slip);
  nginx.allow({});
  const opened = await untilTrue(async () => (await sender.event('evt_0')).status === 200);
  tell('nginx', 'stripe, without any file', opened ? 200 : 'refused', opened);
}

/** An endpoint's own rate, kept in Redis: what it needs of Redis it has, for where it has not everything is let through. */
export async function checkRateLimit(given: {
  readonly healthPorts: readonly number[];
  readonly sender: Sender;
  readonly tell: Tell;
}): Promise<void> {
  const { healthPorts, sender, tell } = given;
  const answers: Answer[] = [];
  for (let sent = 0; sent < 30; sent += 1) answers.push(await sender.event('evt_limited', '/webhooks/limited'));
  const refused = answers.filter(({ status }) => status === 429);
  const isLimited = refused.length > 0 && refused.every(({ retryAfter }) => retryAfter !== undefined);
  tell('ingest', '30 genuine ones, where 5 and then 1 a second may', statuses(answers), isLimited);
  const unanswered = await Promise.all(healthPorts.slice(0, 2).map(unansweredLimits));
  const total = unanswered.reduce((sum, count) => sum + count, 0);
  tell('ingest', 'let through because Redis gave no token', total, total === 0);
}

async function unansweredLimits(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const counts = [...text.matchAll(/^penstock_rate_limit_unanswered_total(?:\{.*\})? (?<count>\d+)/gm)];
  return counts.reduce((sum, { groups }) => sum + Number(groups?.['count']), 0);
}

const isHeard = (status: number): boolean => status !== 403 && status !== 404;

function refusedBy(act: () => void): string {
  try {
    act();
    return 'taken';
  } catch (error) {
    return error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : String(error);
  }
}
