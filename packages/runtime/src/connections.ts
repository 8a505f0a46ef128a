import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The connections of a server, and how they are ended. */
export interface Connections {
  readonly count: () => number;
  /**
   * Ends every connection without a request in hand, now or as soon as its
   * last one is answered. Node's own closing leaves those that are kept alive
   * after an answer, and those that have sent nothing or half a head.
   */
  readonly endUnused: () => void;
}

/**
 * Keeps at most so many connections. Beyond them the newcomer is taken, and
 * the one goes that has been waiting for the longest to send its first head,
 * else the one whose next request has been awaited for the longest: whoever
 * opens connections to hold them loses these, and a sender with something to
 * say is heard. Where all have a request in hand, the newcomer goes.
 */
export function trackConnections(
  server: Server,
  options: { readonly connectionsMax: number; readonly onEnded: () => void },
): Connections {
  const inHand = new Map<Socket, number>();
  /** Without a head so far, and between two requests; each in the order in which they began to be so. */
  const silent = new Set<Socket>();
  const idle = new Set<Socket>();
  let ending = false;

  const forget = (socket: Socket): void => {
    inHand.delete(socket);
    silent.delete(socket);
    idle.delete(socket);
  };

  server.on('connection', (socket: Socket) => {
    if (inHand.size >= options.connectionsMax) {
      const [goes = socket] = silent.size > 0 ? silent : idle;
      forget(goes);
      goes.destroy();
      options.onEnded();
      if (goes === socket) return;
    }
    inHand.set(socket, 0);
    silent.add(socket);
    socket.once('close', () => forget(socket));
  });
  server.on('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    silent.delete(socket);
    idle.delete(socket);
    inHand.set(socket, (inHand.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const left = (inHand.get(socket) ?? 1) - 1;
      if (!inHand.has(socket)) return;
      inHand.set(socket, left);
      if (left === 0) idle.add(socket);
      if (ending && left === 0) socket.destroySoon();
    });
  });
  return {
    count: () => inHand.size,
    endUnused: () => {
      ending = true;
      for (const [socket, requests] of inHand) if (requests === 0) socket.destroy();
    },
  };
}
