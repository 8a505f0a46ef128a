import { setTimeout as sleep } from 'node:timers/promises';

/** Asks until the answer is yes; no after 40 s. What throws is a no. */
export async function untilTrue(check: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + 40_000;
  while (performance.now() < deadline) {
    if (await check().catch(() => false)) return true;
    await sleep(100);
  }
  return false;
}
