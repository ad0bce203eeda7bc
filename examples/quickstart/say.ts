// A WebSocket client for the terminal: node say.ts ws://localhost:8080/echo "some words"
const [url = 'ws://localhost:8080/echo', words = 'hello'] = process.argv.slice(2);

const socket = new WebSocket(url);
socket.addEventListener('open', () => socket.send(words));
socket.addEventListener('message', (event) => {
  console.log(event.data);
  socket.close();
});
socket.addEventListener('error', () => {
  console.error(`no WebSocket at ${url}`);
  process.exitCode = 1;
});
