/** What `reportError` of the configuration is told: one line of the log at `error` or above, masked. */
export interface ErrorReport {
  /** What happened, always in the same words: what to group by. */
  readonly message: string;
  /** The error behind it; empty texts where there was none. */
  readonly error: {
    readonly type: string;
    readonly message: string;
    readonly stack: string | null;
    readonly code: string | null;
  };
  /** The line's other fields: requestId, traceId, endpoint, eventId, fingerprint and the like. */
  readonly context: Readonly<Record<string, unknown>>;
}
