import { cacheExchange, Client, createRequest, fetchExchange, stringifyDocument } from "@urql/core";
import type { Client as SocketClient } from "graphql-ws";
import type { TadaDocumentNode } from "gql.tada";
import { AskedAhead } from "./asked";
import { delayBefore } from "./backoff";
import { inBase } from "./base";
import { ConnectionTruth } from "./connection";
import { credentials, sameOrigin } from "./guest";
import { fetchInTime } from "./fetchInTime";
import { whoami } from "./http";
import { openSocket } from "./socket";
import { Store, type Readable } from "./store";
import { graphql } from "./graphql";
import * as texts from "~/texts";

const VERSION = graphql(`
  query Version {
    workspace {
      id
      version
    }
  }
`);

/** Hears the items of one subscription. */
export interface Listener<T> {
  next(data: T): void;
  /** The broker refused the subscription or ended it. */
  failed(message: string): void;
}

/** Everything that talks to the broker: queries and mutations over HTTP, subscriptions over one socket. */
export class Live {
  readonly connection: ConnectionTruth;
  readonly queries: Client;
  /** Queries for parts of what is long, such as a log: their answers are kept by who asks, as far as they are shown. */
  readonly unkept: Client;
  readonly #ahead = new AskedAhead();
  readonly #socket: SocketClient;
  readonly #outdated = new Store(false);
  readonly #accessChanges = new Store(0);

  readonly #buildVersion: string;

  constructor(buildVersion: string) {
    this.#buildVersion = buildVersion;
    this.connection = new ConnectionTruth({ online: navigator.onLine });
    const broker = {
      url: inBase("/graphql"),
      preferGetMethod: false,
      fetch: fetchInTime,
      fetchOptions: sameOrigin,
    };
    this.queries = new Client({
      ...broker,
      exchanges: [this.#ahead.exchange, cacheExchange, fetchExchange],
    });
    this.unkept = new Client({ ...broker, exchanges: [fetchExchange] });
    this.#socket = openSocket(socketUrl(), this.connection, () =>
      this.#accessChanges.update((count) => count + 1),
    );
    // Asked at every connection, for a broker that was updated came back as another process.
    this.connection.state.subscribe(() => {
      const { state } = this.connection.state.get();
      if (state === "live") void this.#compareVersions();
      if (state === "reconnecting") void this.#checkCredential();
    });
    // A chunk that is no longer there was hashed by another build. Where the broker is away, nothing is there.
    window.addEventListener("vite:preloadError", () => {
      if (this.connection.state.get().state === "live") this.#outdated.set(true);
    });
  }

  /** How often what the viewer may do has changed on this page. */
  get accessChanges(): Readable<number> {
    return this.#accessChanges;
  }

  /** The page was built for another version of the broker. */
  get outdated(): Readable<boolean> {
    return this.#outdated;
  }

  /** Ask for what a view will ask for in a moment: while it is made ready, the answer is on its way. */
  askAhead<Data, Variables extends Record<string, unknown>>(
    document: TadaDocumentNode<Data, Variables>,
    variables: Variables,
  ): void {
    const request = createRequest(document, variables);
    this.#ahead.add(request.key);
    void this.queries.executeQuery(request).toPromise();
  }

  /**
   * Follow a subscription until the returned function is called. It lives through reconnects: `variables` is
   * asked anew for each, so that one with a cursor goes on where it stopped. One that was refused for now is asked for
   * again.
   */
  subscribe<Data, Variables extends Record<string, unknown>>(
    document: TadaDocumentNode<Data, Variables>,
    variables: () => Variables,
    listener: Listener<Data>,
  ): () => void {
    const payload = {
      query: stringifyDocument(document),
      // Read when the message is written, which is once for each connection.
      get variables() {
        return variables();
      },
    };
    let refusals = 0;
    let stop: () => void;
    const begin = () => {
      stop = this.#socket.subscribe<Data>(payload, {
        next: ({ data, errors }) => {
          refusals = 0;
          if (errors?.[0]) listener.failed(errors[0].message);
          else if (data) listener.next(data);
        },
        error: (error) => {
          listener.failed(reason(error));
          if (!isForNow(error)) return;
          const timer = setTimeout(begin, delayBefore(refusals++));
          stop = () => clearTimeout(timer);
        },
        complete: () => undefined,
      });
    };
    begin();
    return () => stop();
  }

  async #compareVersions(): Promise<void> {
    const answer = await this.queries.query(VERSION, {}, { requestPolicy: "network-only" }).toPromise();
    const version = answer.data?.workspace.version;
    if (version !== undefined && version !== this.#buildVersion) this.#outdated.set(true);
  }

  /** A refused upgrade looks like any lost connection to a page; the HTTP answer tells them apart. */
  async #checkCredential(): Promise<void> {
    const who = await whoami(credentials());
    if (who === "nobody") this.connection.signedOut(texts.live.signedOut);
  }
}

function socketUrl(): string {
  const url = new URL(inBase("/graphql"), location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}

interface Problem {
  readonly message?: string;
  readonly extensions?: { readonly retryable?: unknown };
}

/** What the broker said of a subscription; nothing where its socket is what ended. */
function problemOf(error: unknown): Problem | undefined {
  return Array.isArray(error) ? (error as Problem[])[0] : undefined;
}

const reason = (error: unknown): string => problemOf(error)?.message ?? texts.live.subscriptionEnded;

const isForNow = (error: unknown): boolean => problemOf(error)?.extensions?.retryable === true;
