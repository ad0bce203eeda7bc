// Port and upstream's port; otherwise as its documentation shows it.
import proxy from '@fastify/http-proxy';
import Fastify from 'fastify';

const [, , port, targetPort] = process.argv;
const server = Fastify({ logger: false });
server.register(proxy, { upstream: `http://127.0.0.1:${targetPort}`, undici: { connections: 128 } });
await server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
