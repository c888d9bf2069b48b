import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { end, hasEnded, start } from '../system/children.ts';
import { accepts, freePort, until } from '../system/ports.ts';
import { childrenOf, openFilesLimit } from '../system/proc.ts';
import type { Server } from './server.ts';
import { findProgram } from './valkey.ts';

const MODULES = ['/usr/lib/nginx/modules', '/usr/lib64/nginx/modules', '/etc/nginx/modules'].map(
  (directory) => join(directory, 'ngx_nchan_module.so'),
);

/** Why nchan cannot be measured here, or null. */
export function nchanMissing(): string | null {
  if (findProgram('nginx') === null) return 'nginx is not installed';
  return MODULES.some(existsSync) ? null : 'the nchan module of nginx is not installed (libnginx-mod-nchan)';
}

/** One nginx worker with nchan, its messages in its own shared memory: no broker, publishing is HTTP POST. */
export async function startNchan(directory: string): Promise<Server> {
  const port = await freePort();
  const prefix = join(directory, 'nginx');
  await mkdir(prefix, { recursive: true });
  await writeFile(join(prefix, 'nginx.conf'), nginxConf(port));
  const child = start(findProgram('nginx')!, ['-p', prefix, '-c', 'nginx.conf', '-e', 'error.log']);
  await until(
    'nginx',
    10,
    () => !hasEnded(child),
    () => accepts(port),
  );
  return {
    name: 'nchan',
    port,
    path: '/events?channel=',
    target: { kind: 'nchan', port, path: '/publish?channel=' },
    pids: [child.pid!, ...childrenOf(child.pid!)],
    valkey: null,
    stop: () => end(child),
  };
}

function nginxConf(port: number): string {
  const files = openFilesLimit();
  return `
load_module ${MODULES.find(existsSync)};
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
pid nginx.pid;
error_log error.log warn;
worker_processes 1;
worker_rlimit_nofile ${files};
events { worker_connections ${files}; }
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  keepalive_requests 1000000000;
  keepalive_timeout 600s;
  nchan_shared_memory_size 1024M;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /events {
      nchan_subscriber eventsource;
      nchan_channel_id $arg_channel;
      nchan_subscriber_first_message newest;
    }
    location = /publish {
      nchan_publisher;
      nchan_channel_id $arg_channel;
      nchan_message_buffer_length 5000;
      nchan_message_timeout 2m;
    }
  }
}
`;
}
