import { delayBefore, MOST_MS } from "./backoff";
import { CLOSE_CODES, mayReturn } from "./closeCodes";
import { Store, type Readable } from "./store";
import * as texts from "~/texts";

/** What is true of the one socket to the broker. */
export type Connection =
  | { readonly state: "connecting" }
  | { readonly state: "live" }
  | { readonly state: "reconnecting"; readonly retryAt: number; readonly because: string }
  | { readonly state: "offline" }
  | { readonly state: "signed-out"; readonly because: string }
  /** The broker said not to come back; only a reload helps. */
  | { readonly state: "ended"; readonly because: string };

const UNAUTHORIZED = CLOSE_CODES.UNAUTHORIZED.code;
/** A browser has no fresh token to come back with: signing in makes one. */
const FORBIDDEN = CLOSE_CODES.FORBIDDEN.code;
/** What the GraphQL client itself closes with: when a frozen socket is given up, and when the broker accepts it too late. */
const TERMINATED = 4499;
const NOT_ACCEPTED_IN_TIME = 4504;

interface Clock {
  now(): number;
  later(run: () => void, ms: number): () => void;
}

const browserClock: Clock = {
  now: () => Date.now(),
  later: (run, ms) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Decides when to come back and says what is true meanwhile. The socket itself belongs to the GraphQL client,
 * which reports here what happens to it and asks when to try again.
 */
export class ConnectionTruth {
  readonly #state = new Store<Connection>({ state: "connecting" });
  readonly #clock: Clock;
  readonly #random: () => number;
  #online: boolean;
  #attempt = 0;
  #because = texts.live.brokerSilent;
  #retryNow: (() => void) | null = null;
  #everLive = false;

  constructor({ online = true, clock = browserClock, random = Math.random }: ConnectionOptions = {}) {
    this.#online = online;
    this.#clock = clock;
    this.#random = random;
    if (!online) this.#state.set({ state: "offline" });
  }

  get state(): Readable<Connection> {
    return this.#state;
  }

  /** Whether the page ever was connected: before that, what it shows is loading rather than stale. */
  get everLive(): boolean {
    return this.#everLive;
  }

  /** The socket is open and the broker accepted us. */
  connected(): void {
    this.#attempt = 0;
    this.#everLive = true;
    this.#state.set({ state: "live" });
  }

  /** The socket closed. Tells whether to come back. */
  closed(code: number, reason: string): boolean {
    if (code === UNAUTHORIZED || code === FORBIDDEN) {
      this.signedOut(reason || (code === FORBIDDEN ? texts.live.accessEnded : texts.live.signedOut));
      return false;
    }
    if (code !== NOT_ACCEPTED_IN_TIME && !mayReturn(code)) {
      this.#state.set({ state: "ended", because: reason || texts.live.brokerEnded });
      return false;
    }
    this.#because = because(code, reason);
    if (this.#state.get().state === "live") this.#state.set({ state: "connecting" });
    return true;
  }

  /** The credential is no longer accepted. */
  signedOut(because: string): void {
    this.#state.set({ state: "signed-out", because });
  }

  /**
   * Resolves when it is time for the next attempt: after the wait, on `retry()`, or when the network is back. That a
   * browser has no network is a hint and no more: a broker on this machine, or behind a tunnel, needs none.
   */
  async untilNextAttempt(): Promise<void> {
    const wait = this.#online ? delayBefore(this.#attempt++, this.#random) : MOST_MS;
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.later(resolve, wait);
      this.#retryNow = () => {
        cancel();
        resolve();
      };
      const retryAt = this.#clock.now() + wait;
      this.#state.set(
        this.#online ? { state: "reconnecting", retryAt, because: this.#because } : { state: "offline" },
      );
    });
    this.#retryNow = null;
    this.#state.set({ state: "connecting" });
  }

  /** The person does not want to wait. */
  retry(): void {
    this.#retryNow?.();
  }

  /** The browser lost or found the network. */
  network(online: boolean): void {
    this.#online = online;
    if (online) {
      this.#attempt = 0;
      this.retry();
    } else if (this.#retryNow) this.#state.set({ state: "offline" });
  }
}

function because(code: number, reason: string): string {
  if (code === TERMINATED || code === NOT_ACCEPTED_IN_TIME) return texts.live.brokerWentSilent;
  return reason || texts.live.connectionLost;
}

interface ConnectionOptions {
  online?: boolean;
  clock?: Clock;
  random?: () => number;
}
