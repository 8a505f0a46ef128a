import { styleText } from 'node:util';
import type { DeadDeliveries, ToldDelivery } from '@penstock/db/dead-deliveries';
import type { listOutboxDeliveries } from '@penstock/db/list-outbox';

export type ListedDelivery = Awaited<ReturnType<typeof listOutboxDeliveries>>[number];

/** A line a message. */
export function writeDeliveries(deliveries: readonly ListedDelivery[], { more }: { readonly more: boolean }): void {
  if (deliveries.length === 0) write('No message matches.');
  for (const { id, destination, topic, key, state, attempts, touched_at: touchedAt, last_error: error } of deliveries)
    write(
      `${String(id).padStart(8)}  ${second(touchedAt)}  ${destination}  ${topic} ${key}  ${state} after ${attempts}  ${error ?? ''}`.trimEnd(),
    );
  const last = deliveries.at(-1);
  if (more && last !== undefined) write(`More: --before ${last.id}`);
}

/** One message: what it tells of, how it stands, what it says as far as it may be shown. */
export function writeDelivery(told: ToldDelivery, preview: unknown): void {
  const { id, destination, state, attempts, last_status: status, last_error: error, finished_at: finishedAt } = told;
  write(`${styleText('bold', `Message ${id}`)} to ${destination}: ${state} after ${attempts} attempts`);
  const rows: readonly (readonly [string, string | null])[] = [
    ['webhook-id', `msg_${id}`],
    ['tells of', `${told.topic} ${told.key}${told.kind === 'message' ? ", a handler's message" : ''}`],
    ['event', `${told.provider_event_id}, account ${told.account}, endpoint ${told.endpoint}`],
    ['request', told.request_id],
    ['order', told.order_key],
    ['promised', second(told.created_at)],
    ['touched', second(told.touched_at)],
    ['ended', finishedAt === null ? null : second(finishedAt)],
    ['answer', status === null ? null : String(status)],
    ['failure', error],
  ];
  for (const [name, value] of rows) if (value !== null) write(`  ${name.padEnd(10)} ${value}`);
  for (const { at, operator, reason } of told.retries)
    write(`  retried    ${second(at)} by ${operator}: ${reason ?? 'no reason given'}`);
  write(`\n${JSON.stringify(preview, null, 2)}`);
}

/** What a retry would take. */
export function writeDryRun(
  groups: readonly DeadDeliveries[],
  { count, samples }: { readonly count: number; readonly samples: readonly ListedDelivery[] },
): void {
  write(styleText('bold', `${messages(count)} would be sent again; nothing was changed`));
  for (const { destination, error, count: of, oldest } of groups)
    write(`  ${String(of).padStart(6)}  ${destination}  ${error ?? ''}, the oldest ${second(oldest)}`);
  if (samples.length === 0) return;
  write('\nFor example');
  writeDeliveries(samples, { more: false });
}

/** `1 message`, `2 messages`. */
export function messages(count: number): string {
  return `${count} message${count === 1 ? '' : 's'}`;
}

function second(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`;
}

function write(line: string): void {
  process.stdout.write(`${line}\n`);
}
