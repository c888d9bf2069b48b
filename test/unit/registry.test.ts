import { describe, expect, test, vi } from 'vitest';
import { takeBatch } from '../../src/sse/batch.ts';
import { makeRegistry, openConnection } from '../support/fake-stream.ts';

const heartbeats = (text: string) => text.split(':\n\n').length - 1;
const update = takeBatch([Buffer.from('data: x\n\n')]);

describe('heartbeats', () => {
  test('come within the interval on a silent stream, for as long as it is silent', () => {
    const registry = makeRegistry({ heartbeat: 15 });
    const { stream } = openConnection(registry);
    let last = registry.now;
    let seen = 0;
    for (let second = 101; second <= 400; second++) {
      registry.tick(second);
      if (heartbeats(stream.text) > seen) {
        seen = heartbeats(stream.text);
        expect(second - last).toBeGreaterThanOrEqual(12);
        last = second;
      }
      expect(second - last).toBeLessThanOrEqual(15);
    }
    expect(seen).toBeGreaterThanOrEqual(20);
  });

  test('do not come on a stream with traffic', () => {
    const registry = makeRegistry({ heartbeat: 15 });
    const { connection, stream } = openConnection(registry);
    for (let second = 101; second <= 400; second++) {
      registry.tick(second);
      if (second % 10 === 0) connection.write(update);
    }
    expect(heartbeats(stream.text)).toBe(0);
  });

  test('are spread over time, also after all streams got the same message at once', () => {
    const registry = makeRegistry({ heartbeat: 15 });
    const opened = Array.from({ length: 1000 }, () => openConnection(registry));
    for (const { connection } of opened) connection.write(update);
    const perSecond: number[] = [];
    for (let second = 101; second <= 160; second++) {
      const before = opened.reduce((sum, { stream }) => sum + stream.chunks.length, 0);
      registry.tick(second);
      perSecond.push(opened.reduce((sum, { stream }) => sum + stream.chunks.length, 0) - before);
    }
    expect(Math.max(...perSecond)).toBeLessThan(600);
  });
});

describe('lifetimes', () => {
  test('end streams after 80 to 100 % of the limit, with a time to come back', () => {
    const registry = makeRegistry({ maxLifetime: 100 });
    const opened = Array.from({ length: 200 }, () => openConnection(registry));
    const ends: number[] = [];
    for (let second = 101; second <= 201; second++) {
      const before = registry.size;
      registry.tick(second);
      for (let i = registry.size; i < before; i++) ends.push(second);
    }
    expect(ends).toHaveLength(200);
    expect(Math.min(...ends)).toBeGreaterThanOrEqual(180);
    expect(new Set(ends).size).toBeGreaterThan(5);
    expect(registry.closed.max_lifetime).toBe(200);
    for (const { stream } of opened) expect(stream.text).toMatch(/retry: \d+\n\n$/);
  });
});

test('a lifetime shorter than the heartbeat is kept all the same', () => {
  const registry = makeRegistry({ maxLifetime: 5, heartbeat: 3_600 });
  for (let n = 0; n < 100; n++) openConnection(registry);
  for (let second = 101; second <= 105; second++) registry.tick(second);
  expect(registry.closed.max_lifetime).toBe(100);
});

describe('places', () => {
  test('are as many as configured, and come back when a stream ends or does not open', () => {
    const registry = makeRegistry({ maxConnections: 2 });
    const { connection } = openConnection(registry);
    expect(registry.admit()).toBeUndefined();
    expect(registry.admit()).toBe('over_capacity');
    registry.dismiss();
    expect(registry.admit()).toBeUndefined();
    registry.aborted(connection);
    expect(registry.admit()).toBeUndefined();
    expect(registry.admit()).toBe('over_capacity');
  });

  test('are gone while draining, and all streams are ended', () => {
    const registry = makeRegistry();
    const { stream } = openConnection(registry);
    registry.drain();
    expect(stream.ended).toBe(true);
    expect(registry.admit()).toBe('draining');
    expect(registry.closed.shutdown).toBe(1);
  });
});

test('a stream is counted and released once, however often it is ended', () => {
  const registry = makeRegistry();
  const { connection } = openConnection(registry);
  const close = vi.fn();
  connection.subscription = { close };
  registry.close(connection, 'shutdown');
  registry.close(connection, 'slow_consumer');
  registry.aborted(connection);
  expect(close).toHaveBeenCalledTimes(1);
  expect(registry.closed).toMatchObject({ shutdown: 1, slow_consumer: 0, client_gone: 0 });
});

test('an unexpected error in one stream ends that stream alone', () => {
  const registry = makeRegistry({ heartbeat: 1 });
  const bad = openConnection(registry);
  const good = openConnection(registry);
  bad.stream.write = () => {
    throw new Error('broken');
  };
  for (let second = 101; second < 110; second++) registry.tick(second);
  expect(registry.closed.internal_error).toBe(1);
  expect(heartbeats(good.stream.text)).toBeGreaterThan(3);
});
