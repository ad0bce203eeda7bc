// Port and upstream's port; kept upstream connections, otherwise as its documentation shows it.
import { Agent } from 'node:http';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';

const [, , port, targetPort] = process.argv;
const app = express();
app.use(
  createProxyMiddleware({
    target: `http://127.0.0.1:${targetPort}`,
    xfwd: true,
    agent: new Agent({ keepAlive: true }),
  }),
);
app.listen({ port: Number(port), host: '127.0.0.1', backlog: 4096 });
