import { createClient, type Client as SocketClient } from "graphql-ws";
import { CLOSE_CODES, mayReturn } from "./closeCodes";
import type { ConnectionTruth } from "./connection";
import { credentials } from "./guest";

const PING_EVERY_MS = 10_000;
/** A socket that answers no ping within this is given up: it may look open for many minutes more. */
const PONG_WITHIN_MS = 5_000;
const ACCEPTED_WITHIN_MS = 10_000;

/** The one socket of the page. It opens at once, and comes back by itself for as long as `truth` says so. */
export function openSocket(url: string, truth: ConnectionTruth, onAccess: () => void): SocketClient {
  const pulse = new Pulse(() => client.terminate());
  let again = true;
  const client = createClient({
    url,
    // In the first message: a browser sends no header of ours with the upgrade.
    connectionParams: () => ({ ...credentials() }),
    lazy: false,
    keepAlive: PING_EVERY_MS,
    connectionAckWaitTimeout: ACCEPTED_WITHIN_MS,
    retryAttempts: Infinity,
    retryWait: () => truth.untilNextAttempt(),
    shouldRetry: () => again,
    // What went wrong is told by `closed`; there is nobody else to tell.
    onNonLazyError: () => undefined,
    on: {
      opened: (socket) => tellRestarts(socket as WebSocket),
      connected: (socket) => {
        pulse.begin(socket as WebSocket);
        truth.connected();
      },
      ping: (received, payload) => {
        if (!received) pulse.asked();
        // The broker says so when what the viewer may do has changed.
        else if (payload?.access === "changed") onAccess();
      },
      message: () => pulse.heard(),
      closed: (event) => {
        pulse.end();
        const { code, reason } = event as CloseEvent;
        again = truth.closed(code, reason);
      },
    },
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") pulse.check();
  });
  window.addEventListener("online", () => {
    truth.network(true);
    pulse.check();
  });
  window.addEventListener("offline", () => {
    truth.network(false);
    pulse.check();
  });
  return client;
}

/** WebSocket's own codes (RFC 6455, section 7.4.1); those behind them are the application's. */
const LAST_OF_PROTOCOL = 1999;

/**
 * graphql-ws ends for good after most of the protocol's own codes, whatever it is told to do: after 1011, say, which a
 * proxy sends of a broker that it cannot reach. It is told of a restart instead, so that `ConnectionTruth` alone decides.
 */
function tellRestarts(socket: WebSocket): void {
  const tell = socket.onclose;
  socket.onclose = (event) => {
    const { code, reason, wasClean } = event;
    const isRestart = code <= LAST_OF_PROTOCOL && mayReturn(code);
    const restarting = { code: CLOSE_CODES.RESTARTING.code, reason, wasClean };
    tell?.call(socket, isRestart ? new CloseEvent("close", restarting) : event);
  };
}

/** Gives a socket up that does not answer; a page that slept or changed networks asks at once. */
class Pulse {
  readonly #silent: () => void;
  #socket: WebSocket | null = null;
  #deadline: ReturnType<typeof setTimeout> | undefined;

  constructor(silent: () => void) {
    this.#silent = silent;
  }

  begin(socket: WebSocket): void {
    this.#socket = socket;
  }

  end(): void {
    this.#socket = null;
    this.heard();
  }

  asked(): void {
    this.#deadline ??= setTimeout(() => {
      this.#deadline = undefined;
      this.#silent();
    }, PONG_WITHIN_MS);
  }

  heard(): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
  }

  check(): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    this.#socket.send('{"type":"ping"}');
    this.asked();
  }
}
