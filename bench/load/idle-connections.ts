/**
 * Opens keep-alive connections, makes one request on each and holds them until it is ended. Arguments: port and number. Prints
 * `READY <open> <failed>` once every connection had its answer, and `LOST <number>` when connections were closed meanwhile.
 */
import { connect } from 'node:net';

const port = Number(process.argv[2]);
const wanted = Number(process.argv[3]);
/** So few at a time that the accept queue of no peer overflows, and that the upstream's pool stays small. */
const AT_A_TIME = 64;
/** One source address has 28,000 ports by default; several leave room for what other scenarios left in TIME_WAIT. */
const ADDRESSES = 4;

let begun = 0;
let open = 0;
let failed = 0;
let lost = 0;

function next(): void {
  if (begun === wanted) {
    if (open + failed === wanted) process.stdout.write(`READY ${open} ${failed}\n`);
    return;
  }
  begun += 1;
  const socket = connect({
    port,
    host: '127.0.0.1',
    localAddress: `127.0.0.${2 + (begun % ADDRESSES)}`,
    noDelay: true,
  });
  let answered = false;
  socket.setTimeout(20_000, () => socket.destroy());
  socket.once('connect', () =>
    socket.write('GET /api/items/42 HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\n\r\n'),
  );
  socket.on('data', () => {
    if (answered) return;
    answered = true;
    open += 1;
    socket.setTimeout(0);
    next();
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    if (answered) {
      lost += 1;
      process.stdout.write(`LOST ${lost}\n`);
      return;
    }
    failed += 1;
    next();
  });
}

for (let i = 0; i < Math.min(AT_A_TIME, wanted); i += 1) next();
