/** One of Kong's two protocols, as far as the load needs it: where a turn of the plugin server ends, and what Kong says to it. */
export interface Conversation {
  /** How many of these bytes are the server's first turn; 0 while it is not all there. */
  turnEnd(said: Buffer): number;
  /** Kong's answer to the turn at the start of these bytes; undefined when the event has ended with it. Throws when it was no turn to expect. */
  answer(said: Buffer): Buffer | undefined;
}
