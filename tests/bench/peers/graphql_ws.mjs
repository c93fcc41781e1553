// The reference server of the protocol: npm graphql-ws on ws, executing with graphql-js; events come by Redis pub/sub.
import { createServer } from "node:http";
import { connected, load, ready } from "./redis.mjs";

const { buildSchema } = load("graphql");
const { WebSocketServer } = load("ws");
const { useServer } = load("graphql-ws/use/ws");

const schema = buildSchema(`
  type Query { ok: Boolean }
  type Content { text: String! }
  type Event { cursor: String! at: String! agentName: String contents: [Content!]! }
  type Subscription { sessionEvents: Event! }
`);
const followers = new Set();

async function* follow() {
  const waiting = [];
  let wake = () => {};
  const push = (event) => {
    waiting.push(event);
    wake();
  };
  followers.add(push);
  try {
    for (;;) {
      while (waiting.length) yield { sessionEvents: waiting.shift() };
      await new Promise((resolve) => (wake = resolve));
    }
  } finally {
    followers.delete(push);
  }
}

const redis = await connected();
await redis.subscribe(process.env.CHANNEL, (text) => {
  const event = JSON.parse(text); // once for all
  for (const push of followers) push(event);
});

const http = createServer();
const sockets = new WebSocketServer({ server: http, path: "/graphql" });
useServer({ schema, roots: { subscription: { sessionEvents: follow } } }, sockets);
ready(http);
