import path from 'node:path';
import * as z from 'zod';
import { runScript } from '../harness/commands.ts';

const script = path.join(import.meta.dirname, '../../apps/worker/src/commands/replay.ts');
const planSchema = z.object({ replay: z.object({ id: z.number() }) });

/**
 * Replays every dead event as an operator would: plans, and starts the plan.
 * Poisoned events die again, mended ones are processed. Nothing is replayed
 * where nothing is dead, or the ledger is away at this moment.
 */
export async function replayAllDead(databaseUrl: string): Promise<void> {
  const environment = { DATABASE_URL: databaseUrl };
  const plan = await runScript(script, ['plan', '--why', 'chaos', '--by', 'chaos', '--json'], environment);
  if (plan.code !== 0) return;
  const { replay } = planSchema.parse(JSON.parse(plan.stdout));
  await runScript(script, ['apply', String(replay.id), '--by', 'chaos', '--detach'], environment);
}
