import { styleText } from 'node:util';

type Style = Parameters<typeof styleText>[0];

/** Text in a style, where standard output shows one: a terminal that wants colours. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** Progress of a boot: what is being done, then how long it took. One line a step, rewritten on a terminal. */
export async function step<Result>(
  what: string,
  work: (note: (text: string) => void) => Promise<Result>,
): Promise<Result> {
  const live = process.stdout.isTTY;
  if (live) process.stdout.write(`  ${styled('dim', '…')} ${what}`);
  const started = performance.now();
  let noted = '';
  try {
    const result = await work((text) => (noted = ` ${styled('dim', text)}`));
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stdout.write(
      `${live ? '\r\u001B[K' : ''}  ${styled('green', '✓')} ${what}${noted} ${styled('dim', `${seconds} s`)}\n`,
    );
    return result;
  } catch (error) {
    process.stdout.write(`${live ? '\r\u001B[K' : ''}  ${styled('red', '✗')} ${what}\n`);
    throw error;
  }
}
