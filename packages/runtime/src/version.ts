import packageJson from '../../../package.json' with { type: 'json' };

/** Penstock's own version. */
export const version: string = packageJson.version;
