// Port and upstream's port; its shared keep-alive agent is its default.
import { createServer } from 'node:http';
import { createProxyServer } from 'httpxy';

const [, , port, targetPort] = process.argv;
const proxy = createProxyServer({ target: `http://127.0.0.1:${targetPort}`, xfwd: true });
const server = createServer((request, response) => {
  proxy.web(request, response).catch(() => response.destroy());
});
server.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
