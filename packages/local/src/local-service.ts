/** A service to connect to: ours, or one that was there already. */
export interface LocalService extends AsyncDisposable {
  readonly url: string;
  /** Stops what was started for this service; leaves alone what was not. Safe to call twice. */
  stop(): Promise<void>;
}

/** A service that runs as a process of this machine, started by us. */
export interface LocalServer extends LocalService {
  readonly port: number;
  readonly pid: number;
  readonly logFile: string;
  /** Ends the process with SIGKILL and waits until it is gone: the crash that tests provoke. */
  kill(): Promise<void>;
}

/** Told what is being done, one short sentence a step. */
export type OnProgress = (message: string) => void;

/** Wraps a service that somebody else runs: stopping it does nothing. */
export function borrowedService(url: string): LocalService {
  const stop = async (): Promise<void> => {};
  return { url, stop, [Symbol.asyncDispose]: stop };
}
