import type { Delivery } from '@penstock/core/delivery';

/** Unique to the delivery, so that reading it back tells whose job was stored. */
export function jobName(delivery: Delivery): string {
  return `${delivery.type} ${delivery.deliveryId}`;
}

/** A job that is made only to stand in the failed set. No event type holds a space. */
export function burialName(delivery: Delivery): string {
  return `${BURIAL}${jobName(delivery)}`;
}

export function isBurialName(name: string): boolean {
  return name.startsWith(BURIAL);
}

const BURIAL = 'dead letter: ';
