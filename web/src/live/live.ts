import { cacheExchange, Client, fetchExchange, stringifyDocument } from "@urql/core";
import type { Client as SocketClient } from "graphql-ws";
import type { TadaDocumentNode } from "gql.tada";
import { inBase } from "./base";
import { ConnectionTruth } from "./connection";
import { credentials, sameOrigin } from "./guest";
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
  readonly #socket: SocketClient;
  readonly #outdated = new Store(false);
  readonly #accessChanges = new Store(0);

  readonly #buildVersion: string;

  constructor(buildVersion: string) {
    this.#buildVersion = buildVersion;
    this.connection = new ConnectionTruth({ online: navigator.onLine });
    this.queries = new Client({
      url: inBase("/graphql"),
      preferGetMethod: false,
      fetchOptions: sameOrigin,
      exchanges: [cacheExchange, fetchExchange],
    });
    this.#socket = openSocket(socketUrl(), this.connection, () =>
      this.#accessChanges.update((count) => count + 1),
    );
    // Asked at every connection, for a broker that was updated came back as another process.
    this.connection.state.subscribe(() => {
      const { state } = this.connection.state.get();
      if (state === "live") void this.#compareVersions();
      if (state === "reconnecting") void this.#checkCredential();
    });
    // A chunk that is no longer there was hashed by another build.
    window.addEventListener("vite:preloadError", () => this.#outdated.set(true));
  }

  /** How often what the viewer may do has changed on this page. */
  get accessChanges(): Readable<number> {
    return this.#accessChanges;
  }

  /** The page was built for another version of the broker. */
  get outdated(): Readable<boolean> {
    return this.#outdated;
  }

  /**
   * Follow a subscription until the returned function is called. It lives through reconnects: `variables` is
   * asked anew for each, so that one with a cursor goes on where it stopped.
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
    return this.#socket.subscribe<Data>(payload, {
      next: ({ data, errors }) => {
        if (errors?.[0]) listener.failed(errors[0].message);
        else if (data) listener.next(data);
      },
      error: (error) => listener.failed(reason(error)),
      complete: () => undefined,
    });
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

function reason(error: unknown): string {
  if (Array.isArray(error)) {
    const [first] = error as { message?: string }[];
    if (first?.message) return first.message;
  }
  return texts.live.subscriptionEnded;
}
