const messageIntervalMs = 1_000;
/** The plugin may hold it as long as any request. */
const openDeadlineMs = 75_000;

/**
 * Keeps a WebSocket open for `durationMs` and sends something every second, which is to come back. Rejects when it is not
 * opened, or closed by the other side; the signal ends it early.
 */
export function echoThroughSocket(
  url: string,
  durationMs: number,
  signal: AbortSignal,
): Promise<{ readonly echoes: number }> {
  const socket = new WebSocket(url);
  const { promise, resolve, reject } = Promise.withResolvers<{ readonly echoes: number }>();
  let echoes = 0;
  let isOpen = false;
  let ending = setTimeout(() => end("The WebSocket was not opened in time."), openDeadlineMs);
  let sending: NodeJS.Timeout | undefined;
  const end = (failure?: string) => {
    clearTimeout(ending);
    clearInterval(sending);
    signal.removeEventListener("abort", onAbort);
    if (failure === undefined) resolve({ echoes });
    else reject(new Error(failure));
    socket.close();
  };
  const onAbort = () => end("The WebSocket was given up.");
  signal.addEventListener("abort", onAbort, { once: true });
  const send = () => socket.send(new Date().toISOString());
  socket.addEventListener("open", () => {
    isOpen = true;
    clearTimeout(ending);
    ending = setTimeout(end, durationMs);
    sending = setInterval(send, messageIntervalMs);
    send();
  });
  socket.addEventListener("message", () => (echoes += 1));
  // An error is always followed by this.
  socket.addEventListener("close", () =>
    end(
      isOpen
        ? `The WebSocket was closed by the backend after ${echoes} messages came back.`
        : "The WebSocket was not opened.",
    ),
  );
  return promise;
}
