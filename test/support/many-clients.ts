import { connect, type Socket } from 'node:net';

/**
 * A process that holds many connections to a gateway, since a process may not have enough file descriptors for both ends of
 * them. Arguments: port, number. Told `ask`, it sends one request on each, in batches, and tells how many were answered with
 * 200; told `close`, it ends.
 */

const BATCH = 500;
const REQUEST = 'GET /page HTTP/1.1\r\nHost: a.example\r\n\r\n';
const port = Number(process.argv[2]);
const count = Number(process.argv[3]);
const sockets: Socket[] = [];

function open(): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, resolve);
    socket.on('error', reject);
    sockets.push(socket);
  });
}

function ask(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    let text = '';
    const done = (good: boolean) => {
      socket.off('data', read).off('close', lost);
      resolve(good);
    };
    const read = (data: Buffer) => {
      text += data.toString('latin1');
      const head = text.indexOf('\r\n\r\n');
      const length = /\r\ncontent-length: (\d+)\r\n/i.exec(text)?.[1];
      if (head !== -1 && length !== undefined && text.length >= head + 4 + Number(length))
        done(text.startsWith('HTTP/1.1 200 '));
    };
    const lost = () => done(false);
    socket.on('data', read).on('close', lost);
    socket.write(REQUEST);
  });
}

for (let i = 0; i < count; i += BATCH) {
  await Promise.all(Array.from({ length: Math.min(BATCH, count - i) }, open));
}
process.send?.({ opened: sockets.length });
process.on('message', (message) => {
  if (message === 'close') {
    for (const socket of sockets) socket.destroy();
    process.disconnect();
    return;
  }
  void askAll();
});

async function askAll(): Promise<void> {
  let answered = 0;
  for (let i = 0; i < sockets.length; i += BATCH) {
    const good = await Promise.all(sockets.slice(i, i + BATCH).map(ask));
    answered += good.filter(Boolean).length;
  }
  process.send?.({ answered });
}
