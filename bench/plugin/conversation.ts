/**
 * The parts of one of Kong's two protocols that the load needs: where a turn of the plugin server ends, and Kong's
 * answer to it.
 */
export interface Conversation {
  /** How many of these bytes are the server's first turn; 0 while it is incomplete. */
  turnEnd(said: Buffer): number;
  /**
   * Kong's answer to the turn at the start of these bytes; undefined if it ends the event. Throws on an unexpected
   * turn.
   */
  answer(said: Buffer): Buffer | undefined;
}
