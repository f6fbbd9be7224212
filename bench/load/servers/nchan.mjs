// nchan, the publish/subscribe module of nginx, with one worker; both as Debian has them.

/** Where Debian's package libnginx-mod-nchan puts the module. */
export const nchanModule = '/usr/lib/nginx/modules/ngx_nchan_module.so'

/**
 * The settings of an nginx that keeps all it writes in `folder`.
 *
 * @param {{ port: number, folder: string, maxConnections: number }} where
 */
export function nchanSettings({ port, folder, maxConnections }) {
  const asRoot = process.getuid?.() === 0
  return `load_module ${nchanModule};
${asRoot ? 'user root;' : ''}
worker_processes 1;
worker_rlimit_nofile ${maxConnections};
pid ${folder}/nginx.pid;
error_log ${folder}/error.log crit;
daemon off;
events { worker_connections ${maxConnections}; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  client_body_buffer_size 128k;
  keepalive_requests 100000000;
  keepalive_timeout 65s;
  nchan_shared_memory_size 512M;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location ~ ^/events/(.+)$ {
      nchan_subscriber eventsource;
      nchan_channel_id $1;
      nchan_subscriber_first_message newest;
    }
    location ~ ^/publish/(.+)$ {
      nchan_publisher http;
      nchan_channel_id $1;
      nchan_message_buffer_length 1000;
      nchan_message_timeout 10m;
    }
  }
}
`
}
