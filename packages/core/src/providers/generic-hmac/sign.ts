import { createHmac } from 'node:crypto';
import { parseSettings } from '../../provider-settings.ts';
import { settingsSchema } from './settings.ts';

/** Signs a body as the settings describe, once for each of their secrets. The counterpart of verify.ts. */
export function signGenericRequest(options: {
  readonly settings: unknown;
  readonly body: Buffer;
  readonly signedAt: Date;
  readonly id: string;
}): Record<string, string> {
  const { body, signedAt, id } = options;
  const { secrets, secretEncoding, algorithm, signature, timestamp, event, parts } = parseSettings(
    settingsSchema,
    options.settings,
  );
  const milliseconds = signedAt.getTime();
  const time = String(timestamp?.unit === 'ms' ? milliseconds : Math.floor(milliseconds / 1000));
  const signatures = secrets.map(({ value }) => {
    const hmac = createHmac(algorithm, Buffer.from(value, secretEncoding));
    for (const part of parts) {
      if (part.kind === 'text') hmac.update(part.text);
      else hmac.update({ timestamp: time, id, body }[part.name]);
    }
    return `${signature.prefix}${hmac.digest(signature.encoding)}`;
  });
  const elements = timestamp !== undefined && 'element' in timestamp ? [`${timestamp.element}${time}`] : [];
  return {
    'content-type': 'application/json',
    ...(event.id !== undefined && 'header' in event.id ? { [event.id.header]: id } : {}),
    ...(timestamp !== undefined && 'header' in timestamp ? { [timestamp.header]: time } : {}),
    [signature.header]: [...elements, ...signatures].join(signature.separator ?? ','),
  };
}
