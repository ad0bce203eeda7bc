import { caddy } from './caddy.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import { nodePeer } from './node.ts';
import type { Peer } from './peer.ts';
import { portcullis } from './portcullis.ts';

/** Every program that the bench can measure, by name. */
export const PEERS: ReadonlyMap<string, Peer> = new Map(
  [
    nginx(false),
    nginx(true),
    haproxy,
    portcullis,
    caddy,
    nodePeer('fastify-http-proxy', 'fastify-http-proxy.js', '@fastify/http-proxy'),
    nodePeer('httpxy', 'httpxy.js', 'httpxy'),
    nodePeer('http-proxy-middleware', 'http-proxy-middleware.js', 'http-proxy-middleware'),
    nodePeer('bare-sockets', 'bare-sockets.ts', undefined),
    nodePeer('bare-server', 'bare-server.ts', undefined),
  ].map((peer) => [peer.name, peer]),
);

/** Proxies of the Node world, a third of whose cost the gateway may have at most. */
export const NODE_PROXIES = ['fastify-http-proxy', 'httpxy', 'http-proxy-middleware'] as const;
