// The gateway that one writes by hand: node:http, better-sse as its guides on sessions and channels show it, and one
// Valkey connection for all subscriptions. Usage: node node-http.ts <port> <Valkey URL>
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type Channel, createChannel, createSession } from 'better-sse';
import { Valkey } from 'iovalkey';

interface Topic {
  readonly channel: Channel;
  /** Settles with the SUBSCRIBE: a stream is not answered before. */
  readonly subscribed: Promise<unknown>;
  /** Streams that listen or are about to. */
  users: number;
}

const [port, valkeyUrl] = process.argv.slice(2);
const valkey = new Valkey(valkeyUrl!);
const topics = new Map<string, Topic>();

valkey.on('message', (name: string, payload: string) => {
  const message = JSON.parse(payload) as { event_type: string; data: string };
  topics.get(name)?.channel.broadcast(message.data, message.event_type);
});

function join(name: string): Topic {
  let topic = topics.get(name);
  if (topic === undefined) {
    topic = { channel: createChannel(), subscribed: valkey.subscribe(name), users: 0 };
    topics.set(name, topic);
  }
  topic.users++;
  return topic;
}

function leave(name: string, topic: Topic): void {
  if (--topic.users > 0) return;
  topics.delete(name);
  // Commands keep their order on the connection: whoever subscribes anew comes after this.
  valkey.unsubscribe(name).catch(() => {});
}

async function stream(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const names = [...new Set(new URL(request.url!, 'http://localhost').searchParams.getAll('channel'))];
  const joined = names.map((name) => [name, join(name)] as const);
  response.once('close', () => {
    for (const [name, topic] of joined) leave(name, topic);
  });
  await Promise.all(joined.map(([, topic]) => topic.subscribed));
  if (response.destroyed) return;
  // The data is text already; the default serializer would put it into JSON quotes.
  const session = await createSession(request, response, { serializer: String });
  if (response.destroyed) return;
  for (const [, topic] of joined) topic.channel.register(session);
}

const server = createServer((request, response) => {
  stream(request, response).catch((error: unknown) => {
    console.error(error);
    if (response.headersSent) response.destroy();
    else response.writeHead(503).end();
  });
});
// Room for as many as the kernel allows, not Node's 511: thousands of streams may come at once.
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
process.on('SIGTERM', () => process.exit());
