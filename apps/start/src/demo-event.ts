/** A provider's event, rendered. */
export interface DemoEvent {
  readonly eventId: string;
  readonly type: string;
  readonly body: Buffer;
}
