// socket.io with its Redis Streams adapter: the benchmark adds to the adapter's stream what another server would.
import { createServer } from "node:http";
import { connected, load, ready } from "./redis.mjs";

const { Server } = load("socket.io");
const { createAdapter } = load("@socket.io/redis-streams-adapter");

const http = createServer();
const server = new Server(http, {
  adapter: createAdapter(await connected(), { streamName: process.env.CHANNEL }),
  transports: ["websocket"],
  perMessageDeflate: false,
});
server.on("connection", () => {});
ready(http);
