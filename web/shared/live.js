/** Server-sent events, with polling behind them where a proxy swallows the stream. */

/** Pause between polls, milliseconds. */
const POLL_MS = 2_000;
/** Failed connections in a row before polling starts. */
const PATIENCE = 3;
/** Polls before the stream is tried again. */
const POLLS = 15;

/**
 * Calls `changed` with each new state until `stop` is called.
 * @param {{path: string, event: string, poll: () => Promise<any>, changed: (state: any) => void}} source
 * @returns {{stop: () => void}}
 */
export function follow({ path, event, poll, changed }) {
  let stopped = false;
  /** @type {EventSource|null} */
  let stream = null;

  /** @param {number} left */
  const pollOn = async (left) => {
    if (stopped) {
      return;
    }
    if (left === 0) {
      connect();
      return;
    }
    try {
      changed(await poll());
    } catch {
      // The next poll tries again; the page keeps showing what it knew.
    }
    setTimeout(pollOn, POLL_MS, left - 1);
  };

  const connect = () => {
    let failures = 0;
    const current = new EventSource(path);
    stream = current;
    current.addEventListener(event, (message) => {
      failures = 0;
      changed(JSON.parse(message.data));
    });
    current.addEventListener("error", () => {
      failures += 1;
      if (current.readyState === EventSource.CLOSED || failures >= PATIENCE) {
        current.close();
        void pollOn(POLLS);
      }
    });
  };

  connect();
  return {
    stop() {
      stopped = true;
      stream?.close();
    },
  };
}
