import { randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';

/** Who is at the keyboard, for the audit: `--by`, else the user of this machine; and which machine it is. */
export function commandOperator(by?: string): {
  readonly name: string;
  readonly requestId: string;
  readonly source: string;
} {
  const { username } = userInfo();
  return { name: by ?? username, requestId: randomUUID(), source: `command of ${username} on ${hostname()}` };
}
