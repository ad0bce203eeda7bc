import type { Server } from 'node:http';

/** Listens on the port that PORT names and tells the process that started this one, if one listens, that it is ready. */
export function listen(server: Server): void {
  const port = Number(process.env['PORT'] ?? 0);
  server.on('error', (error) => {
    console.error(error.message);
    process.exit(1);
  });
  server.listen(port, '127.0.0.1', () => process.send?.('ready'));
}
