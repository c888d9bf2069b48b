import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { describe, expect, test } from 'vitest';
import { type Benchmark, inTurn } from '../../bench/micro/benchmark.ts';
import { Crowd, eventsOf, fanOuts } from '../../bench/micro/fan-out.ts';
import { envelopes, events, frames } from '../../bench/micro/frames.ts';
import { Body, parsers } from '../../bench/micro/parser.ts';
import { payloads } from '../../bench/micro/payloads.ts';
import { decodeEnvelope } from '../../src/broker/envelope.ts';
import { encodeFrame } from '../../src/sse/frame.ts';

// What is measured is what its name says: the inputs of benchmarks, and what becomes of them.

function parse(text: string): EventSourceMessage[] {
  const parsed: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (event) => parsed.push(event) });
  parser.feed(text);
  return parsed;
}

describe('frames', () => {
  test('of the short text are three fields', () => {
    expect(encodeFrame(events.shortText[0]!).toString()).toBe(
      'event: status\nid: 100000\ndata: Order 100000 has left the warehouse\n\n',
    );
  });

  test('of the HTML carry 2 KB in more than a hundred lines', () => {
    for (const event of events.html) {
      expect(event.data).toHaveLength(2_048);
      expect(event.data).not.toContain('\r');
      const lines = encodeFrame(event).toString().split('\n');
      expect(lines.filter((line) => line.startsWith('data: ')).length).toBeGreaterThan(100);
    }
  });

  test('of the HTML with CRLF are the same bytes: the format has one line break', () => {
    for (const [i, event] of events.htmlCrLf.entries()) {
      expect(event.data.match(/\r\n/g)!.length).toBeGreaterThan(100);
      expect(event.data).not.toMatch(/[^\r]\n/);
      expect(encodeFrame(event)).toEqual(encodeFrame(events.html[i]!));
    }
  });

  test('are read by an independent parser as what was published', () => {
    for (const { data, id, event } of [...events.shortText, ...events.html]) {
      expect(parse(encodeFrame({ data, event, id: id! }).toString())).toEqual([{ data, id, event }]);
    }
  });
});

describe('payloads', () => {
  test('of envelopes are JSON objects, the verbatim text is none', () => {
    for (const payload of [...payloads.shortText, ...payloads.html]) {
      expect(JSON.parse(payload.toString())).toMatchObject({ event_type: 'status' });
    }
    for (const payload of payloads.verbatim) {
      expect(decodeEnvelope(payload)).toEqual({ event: { event: 'update', data: payload.toString() } });
      expect(payload.length).toBeGreaterThan(190);
      expect(payload.length).toBeLessThan(210);
    }
  });

  test.each(Object.entries(payloads))('differ from each other: %s', (_, variants) => {
    expect(new Set(variants.map(String)).size).toBe(64);
    expect(new Set(variants.map(({ length }) => length)).size).toBe(1);
  });

  test('come in turn, all of them', () => {
    const next = inTurn([1, 2, 3]);
    const taken = Array.from({ length: 7 }, next);
    expect(new Set(taken.slice(0, 3)).size).toBe(3);
    expect(taken.slice(3, 6)).toEqual(taken.slice(0, 3));
  });
});

describe('the crowd of the fan-out', () => {
  test.each([
    { channels: 1, streams: 1_000, messages: 1 },
    { channels: 1, streams: 300, messages: 50 },
    { channels: 100, streams: 10, messages: 1 },
    { channels: 3, streams: 7, messages: 500 },
  ])('is handed every message, each time: %o', async (shape) => {
    const crowd = new Crowd(shape);
    for (let times = 1; times <= 3; times++) {
      await crowd.publish();
      await new Promise(setImmediate); // nothing more is to come
      expect(crowd.registry.delivered).toBe(times * eventsOf(shape));
    }
    expect(crowd.registry.size).toBe(shape.channels * shape.streams);
  });

  test('gets a batch of 50 as one write per stream', async () => {
    const crowd = new Crowd({ channels: 2, streams: 200, messages: 50 });
    await crowd.publish();
    expect(crowd.writes).toBe(400);
  });
});

describe("the body for the load client's parser", () => {
  test.each([1, 50])('brings 50 events of 200 bytes, %d per read', (eventsPerRead) => {
    const body = new Body(eventsPerRead);
    expect(body.reads).toHaveLength(50 / eventsPerRead);
    for (let times = 1; times <= 3; times++) {
      body.read();
      expect(body.sink).toMatchObject({
        messages: times * 50,
        others: 0,
        faults: 0,
        sequences: times * 1_225,
      });
    }
    const text = body.reads.map((bytes) => bytes.toString().replace(/^[0-9a-f]+\r\n|\r\n$/g, '')).join('');
    expect(parse(text).map(({ data }) => data.length)).toEqual(Array(50).fill(200));
  });
});

test('every benchmark has a name of its own, and runs', async () => {
  const all: Benchmark[] = [...frames, ...envelopes, ...fanOuts, ...parsers];
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
  for (const { prepare } of all) {
    const run = prepare();
    await run();
    await run();
  }
});
