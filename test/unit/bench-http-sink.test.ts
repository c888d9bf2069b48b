import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { emptyHistogram } from '../../bench/load/latency.ts';
import { AnswerReader } from '../../bench/publisher/answers.ts';
import { httpSink } from '../../bench/publisher/http.ts';
import { waitFor } from '../support/wait.ts';

interface Answer {
  readonly status: number;
  readonly wire: string;
}

/** Bodies that look like what surrounds them. */
const body = fc.constantFrom('', 'ok', '\r\n', '0\r\n\r\n', 'HTTP/1.1 500 No\r\n\r\n', 'x'.repeat(300));
const lengthOf = (text: string) => `Content-Length: ${text.length}\r\n`;

const plain = fc.tuple(fc.constantFrom(200, 201, 202, 404, 500), body).map(([status, text]): Answer => {
  return { status, wire: `HTTP/1.1 ${status} Some Reason\r\nServer: x\r\n${lengthOf(text)}\r\n${text}` };
});
const chunked = fc.tuple(fc.array(body), fc.boolean()).map(([parts, trailer]): Answer => {
  const chunks = parts
    .filter((part) => part !== '')
    .map((part) => `${part.length.toString(16)};a=b\r\n${part}\r\n`);
  const end = `0\r\n${trailer ? 'Digest: y\r\n' : ''}\r\n`;
  return {
    status: 200,
    wire: `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks.join('')}${end}`,
  };
});
const empty = fc.constantFrom(204, 304).map((status): Answer => {
  return { status, wire: `HTTP/1.1 ${status} \r\nContent-Length: 5\r\n\r\n` };
});
const afterInterim = plain.map(({ status, wire }): Answer => {
  return { status, wire: `HTTP/1.1 100 Continue\r\n\r\n${wire}` };
});

test('every pipelined answer is told once and in order, however reads cut them', () => {
  const answers = fc.array(fc.oneof(plain, chunked, empty, afterInterim), { maxLength: 20 });
  const lengths = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 30, size: 'max' });
  fc.assert(
    fc.property(answers, lengths, (expected, cuts) => {
      const wire = Buffer.from(expected.map((answer) => answer.wire).join(''));
      const statuses: number[] = [];
      const reader = new AnswerReader((status) => statuses.push(status));
      for (let at = 0, i = 0; at < wire.length; i++) {
        const length = cuts[i % cuts.length]!;
        reader.read(wire.subarray(at, at + length));
        at += length;
      }
      expect(statuses).toEqual(expected.map((answer) => answer.status));
    }),
  );
});

test.each([
  ['no status line', 'SSH-2.0\r\n'],
  ['a body whose end is not told', 'HTTP/1.1 200 OK\r\n\r\n'],
  ['a chunk without a size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
  ['a chunk longer than its size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n'],
])('%s is an error, not a guess', (_, wire) => {
  expect(() => new AnswerReader(() => {}).read(Buffer.from(wire))).toThrow();
});

/** Collects what the sink sends; `answer` gets each request's body. */
async function startServer(answer: (socket: Socket, body: string) => void) {
  const requests: string[] = [];
  const server = createServer((socket) => {
    let text = '';
    socket.on('error', () => {});
    socket.setEncoding('latin1').on('data', (more: string) => {
      text += more;
      for (;;) {
        const request = /^POST .*?Content-Length: (\d+)\r\n(?:.*?\r\n)?\r\n/s.exec(text);
        if (request === null) return;
        const end = request[0].length + Number(request[1]);
        if (text.length < end) return;
        requests.push(text.slice(0, end));
        answer(socket, text.slice(request[0].length, end));
        text = text.slice(end);
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { requests, port: (server.address() as AddressInfo).port, stop: () => server.close() };
}

test('channel and data are placed in path and body, and answers are counted by what they say', async () => {
  const server = await startServer((socket, body) => {
    const status = body.includes('bad') ? '500 No' : '202 Accepted';
    socket.write(`HTTP/1.1 ${status}\r\nContent-Length: 2\r\n\r\nok`);
  });
  const roundTrips = emptyHistogram();
  const target = {
    kind: 'http',
    port: server.port,
    path: '/p?c={channel}',
    headers: { 'X-Key': 'k' },
    body: '{"c":"{channel}","d":"{data}"}',
  } as const;
  const sink = await httpSink(target, roundTrips);
  sink.send('one', 'good $& {channel}');
  sink.send('one', 'bad');
  expect(sink.unanswered).toBe(2);
  expect(await sink.finish()).toBe(1);
  expect(roundTrips.totalCount).toBe(2);
  expect(server.requests[0]).toMatch(/^POST \/p\?c=one HTTP\/1\.1\r\n.*X-Key: k\r\n\r\n/s);
  expect(server.requests[0]).toContain('{"c":"one","d":"good $& {channel}"}');
  sink.close();
  server.stop();
});

test('messages on a connection that the server ends have failed, and so have those after it', async () => {
  const server = await startServer((socket) => socket.destroy());
  const target = { kind: 'http', port: server.port, path: '/', headers: {}, body: '{data}' } as const;
  const sink = await httpSink(target, emptyHistogram());
  sink.send('one', 'a');
  await waitFor(() => sink.unanswered === 0, 'the connection is over');
  sink.send('one', 'b');
  expect(await sink.finish()).toBe(2);
  sink.close();
  server.stop();
});
