/**
 * How soon a job is taken: every waiting one of `live` before any of
 * `overflow`, and those before any of `replay`. Within a lane, first in, first
 * out. A lane is a priority and not a queue of its own, so that a job id is
 * known in all of them.
 */
export type Lane = 'live' | 'overflow' | 'replay';

/** BullMQ's priorities: none comes before 1, and 1 before 2. */
export const priorities = { live: 0, overflow: 10, replay: 20 } as const satisfies Record<Lane, number>;

/** Whether a job of this priority was put into the queue by a replay, and not by a provider or the sweeper. */
export function isReplayed(priority: number): boolean {
  return priority === priorities.replay;
}
