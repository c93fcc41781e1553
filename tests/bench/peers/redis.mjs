// What the peers share: packages of the conformance suites, and the store they are given by environment variables.
import { createRequire } from "node:module";

export const load = createRequire(new URL("../../conformance/package.json", import.meta.url));

export async function connected() {
  const { createClient } = load("redis");
  const client = createClient({
    socket: { path: process.env.REDIS_SOCKET },
    password: process.env.REDIS_PASSWORD,
  });
  await client.connect();
  return client;
}

export function ready(server) {
  server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
  process.stdin.resume();
  process.stdin.on("end", () => process.exit(0)); // the benchmark has ended
}
