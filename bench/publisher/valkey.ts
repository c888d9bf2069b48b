import { Valkey } from 'iovalkey';
import type { Sink } from './sink.ts';

/** PUBLISH over one connection. */
export async function valkeySink(port: number): Promise<Sink> {
  const valkey = new Valkey({ host: '127.0.0.1', port, lazyConnect: true, retryStrategy: () => null });
  await valkey.connect();
  let failed = 0;
  const onFailure = () => {
    failed++;
  };
  return {
    send(channel, data) {
      valkey.publish(channel, `{"event_type":"update","data":"${data}"}`).catch(onFailure);
    },
    async finish() {
      await valkey.ping(); // answered after everything before it
      return failed;
    },
  };
}
