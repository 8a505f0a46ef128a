import { renderBoard, type Board } from './board.ts';
import { deadLetters } from './dead-letters.ts';
import { payments } from './payments.ts';
import { slo } from './slo.ts';
import { webhookPath } from './webhook-path.ts';
import { workers } from './workers.ts';

/** Every dashboard. */
export const boards: readonly Board[] = [webhookPath, deadLetters, payments, slo, workers];

/** A dashboard as its file in dashboards/ holds it. */
export function boardJson(board: Board): string {
  return `${JSON.stringify(renderBoard(board), null, 2)}\n`;
}
