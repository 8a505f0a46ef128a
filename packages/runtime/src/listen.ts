import type { Server } from 'node:net';
import { ConfigurationError } from '@penstock/core/failure';

/**
 * Listens on `port` when one was set; a taken one is then an error that says
 * so. With none set, on `fallbackPort`, or where that is taken on a free one
 * (`moved` tells), so that several processes start side by side.
 *
 * Where the port is `shared`, as many processes of one user as say so listen on
 * it, and the kernel gives each new connection to one of them (SO_REUSEPORT,
 * socket(7)). A connection that a stopping one had not taken up yet is reset.
 */
export async function listen(
  server: Server,
  options: {
    readonly host: string;
    readonly port: number | undefined;
    readonly fallbackPort: number;
    readonly shared?: boolean;
  },
): Promise<{ readonly port: number; readonly moved: boolean }> {
  const { shared = false } = options;
  const wanted = options.port ?? options.fallbackPort;
  try {
    return { port: await bind(server, { host: options.host, port: wanted, shared }), moved: false };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'EADDRINUSE' && options.port === undefined)
      return { port: await bind(server, { host: options.host, port: 0, shared }), moved: true };
    if (code === 'EADDRINUSE')
      throw new ConfigurationError([
        `port ${wanted} on ${options.host} is taken by another process; choose another or stop that one${shared ? ' (to share it, both must say so, and be of one user)' : ''}`,
      ]);
    if (code === 'ENOTSUP') throw new ConfigurationError(['this system cannot share a port between processes']);
    if (code === 'EACCES')
      throw new ConfigurationError([`port ${wanted} may not be opened by this user; choose one above 1023`]);
    if (code === 'EADDRNOTAVAIL')
      throw new ConfigurationError([`HOST ${options.host} is not an address of this machine`]);
    throw error;
  }
}

async function bind(
  server: Server,
  options: { readonly host: string; readonly port: number; readonly shared: boolean },
): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: options.host, port: options.port, reusePort: options.shared }, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : options.port;
}
