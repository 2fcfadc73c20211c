/** Server-sent events, with polling behind them where a proxy swallows the stream. */

/** Pause between polls, milliseconds. */
const POLL_MS = 2_000;
/** Failed connections in a row before polling starts. */
const PATIENCE = 3;

/**
 * Calls `changed` with each new state until `stop` is called.
 * @param {{path: string, event: string, poll: () => Promise<any>, changed: (state: any) => void}} source
 * @returns {{stop: () => void}}
 */
export function follow({ path, event, poll, changed }) {
  let failures = 0;
  let stopped = false;
  const stream = new EventSource(path);

  const pollOn = async () => {
    if (stopped) {
      return;
    }
    try {
      changed(await poll());
    } catch {
      // The next poll tries again; the page keeps showing what it knew.
    }
    setTimeout(pollOn, POLL_MS);
  };

  stream.addEventListener(event, (message) => {
    failures = 0;
    changed(JSON.parse(message.data));
  });
  stream.addEventListener("error", () => {
    failures += 1;
    if (stream.readyState === EventSource.CLOSED || failures >= PATIENCE) {
      stream.close();
      void pollOn();
    }
  });

  return {
    stop() {
      stopped = true;
      stream.close();
    },
  };
}
