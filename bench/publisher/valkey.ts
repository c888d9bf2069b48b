import type { Histogram } from 'hdr-histogram-js';
import { Valkey } from 'iovalkey';
import { nowUs } from '../load/clock.ts';
import { record } from '../load/latency.ts';
import type { Sink } from './sink.ts';

/** PUBLISH over one connection. */
export async function valkeySink(port: number, roundTripUs: Histogram): Promise<Sink> {
  const valkey = new Valkey({ host: '127.0.0.1', port, lazyConnect: true, retryStrategy: () => null });
  valkey.on('error', () => {}); // every message that it costs is refused
  await valkey.connect();
  let unanswered = 0;
  let failed = 0;
  const onFailure = () => {
    unanswered--;
    failed++;
  };
  return {
    get unanswered() {
      return unanswered;
    },
    send(channel, data) {
      unanswered++;
      const sentUs = nowUs();
      valkey.publish(channel, `{"event_type":"update","data":"${data}"}`).then(() => {
        unanswered--;
        record(roundTripUs, nowUs() - sentUs);
      }, onFailure);
    },
    async finish() {
      await valkey.ping().catch(() => {}); // answered after everything before it
      return failed;
    },
    close: () => valkey.disconnect(),
  };
}
